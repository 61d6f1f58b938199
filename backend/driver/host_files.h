// Functions that both halves of the filesystem driver use: files of the host by their paths. Threads: safe.
#pragma once

#include <sys/types.h>

#include <cerrno>
#include <string>
#include <string_view>

#include "base/content.h"
#include "base/result.h"
#include "driver/storage_driver.h"

namespace berth::driver {

// The modes of docker/distribution's driver, less the umask.
inline constexpr mode_t file_mode = 0666;
inline constexpr mode_t directory_mode = 0777;

inline std::string parent_of(const std::string& host) { return host.substr(0, host.rfind('/')); }

// An error from errno.
inline std::unexpected<Error> failed(std::string_view call, std::string_view path) {
  return std::unexpected(errno_error(call, path, errno));
}

// The stamp's time is ctime. A symbolic link to a directory is followed. Errors: not_found, also for a link to a file;
// io.
Result<FileInfo> stat_host(const std::string& host);

// Reading the umask means setting it, so the first call must happen before other threads exist.
mode_t process_umask();

} // namespace berth::driver
