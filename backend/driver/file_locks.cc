#include "driver/file_locks.h"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>
#include <chrono>
#include <thread>

#include "base/unique_fd.h"
#include "driver/host_files.h"

namespace berth::driver {
namespace {

// Longer than a disk under load needs for the few changes that a lock is held for.
constexpr std::chrono::seconds long_enough{10};
constexpr std::chrono::milliseconds poll_interval{1};

Result<UniqueFd> open_lock(FsOps& ops, const std::string& host) {
  constexpr int flags = O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC; // NFS wants write access for an exclusive lock
  UniqueFd fd(ops.open(host.c_str(), flags, file_mode));
  if (!fd && errno == ENOENT) {
    BERTH_CHECK(make_directories(ops, parent_of(host)));
    fd = UniqueFd(ops.open(host.c_str(), flags, file_mode));
  }
  if (!fd) return failed("open", host);
  return fd;
}

} // namespace

Result<std::unique_ptr<Lock>> FileLocks::exclusive(const std::string& name) { return take(name, LOCK_EX, long_enough); }

Result<std::unique_ptr<Lock>> FileLocks::shared(const std::string& name) { return take(name, LOCK_SH, long_enough); }

Result<std::unique_ptr<Lock>> FileLocks::try_exclusive(const std::string& name) {
  return take(name, LOCK_EX, std::chrono::milliseconds(0));
}

Result<std::unique_ptr<Lock>> FileLocks::take(const std::string& name, int operation,
                                              std::chrono::milliseconds max_wait) {
  if (!is_path(name)) return fail(Code::invalid, "not a path of the store: " + name);
  const std::string host = root_ + name;
  BERTH_TRY(UniqueFd fd, open_lock(ops_, host));
  const auto deadline = std::chrono::steady_clock::now() + max_wait;
  while (::flock(fd.get(), operation | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) return failed("flock", host);
    // A holder that hangs (a host of a shared store that is gone) must not take this pool's threads with it.
    if (std::chrono::steady_clock::now() >= deadline) return fail(Code::busy, host + " is locked");
    std::this_thread::sleep_for(poll_interval);
  }
  return std::make_unique<FileLock>(std::move(fd));
}

} // namespace berth::driver
