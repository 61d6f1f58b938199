// Functions that both halves of the filesystem driver use: files of the host by their paths. Threads: safe.
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <cerrno>
#include <set>
#include <string>
#include <string_view>

#include "base/content.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "driver/fs_ops.h"
#include "driver/locks.h"
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

// ctime is in it: unlike mtime it cannot be set back, as a restored backup would do.
Version version_of(const struct stat& info);

// The last change is ctime: unlike mtime it cannot be set back. A symbolic link to a directory is followed. Errors:
// not_found, also for a link to a file; io.
Result<FileInfo> stat_host(const std::string& host);

// Makes a directory and those above it; one that is there is fine. Not durable: changed, if it is given, gets the
// directories that have new entries.
Result<> make_directories(FsOps& ops, const std::string& host, std::set<std::string>* changed = nullptr);

// An open file that is locked by flock(2).
class FileLock final : public Lock {
public:
  explicit FileLock(UniqueFd fd) : fd_(std::move(fd)) {}

private:
  UniqueFd fd_;
};

// Reading the umask means setting it, so the first call must happen before other threads exist.
mode_t process_umask();

} // namespace berth::driver
