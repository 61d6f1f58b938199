// What the two halves of the filesystem driver share: files of the host by their paths. Threads: safe.
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

// Errors: not_found, io.
Result<FileInfo> stat_host(const std::string& host);

// The first call reads it by setting it: while there is but one thread.
mode_t process_umask();

} // namespace berth::driver
