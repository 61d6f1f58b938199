#include "spool/lock_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>

#include "base/content.h"

namespace berth::spool {

Result<UniqueFd> try_lock(const std::string& path) {
  UniqueFd lock(::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0600));
  if (!lock) return std::unexpected(errno_error("open", path, errno));
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return fail(Code::busy, path);
    return std::unexpected(errno_error("flock", path, errno));
  }
  struct stat locked{}, named{};
  if (::fstat(lock.get(), &locked) != 0 || ::lstat(path.c_str(), &named) != 0 || locked.st_ino != named.st_ino ||
      locked.st_dev != named.st_dev)
    return fail(Code::busy, path); // the lock of a file that is gone is none
  return lock;
}

} // namespace berth::spool
