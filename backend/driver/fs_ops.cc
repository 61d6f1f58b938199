#include "driver/fs_ops.h"

#include <fcntl.h>
#include <linux/aio_abi.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>

namespace berth::driver {
namespace {

// So many syncs are handed to the kernel at once; more go in batches.
constexpr std::size_t max_syncs = 32;

// A queue of the kernel's own asynchronous I/O, one a thread. glibc has no wrapper for these calls, and none is needed.
class SyncQueue {
public:
  SyncQueue() {
    if (::syscall(SYS_io_setup, max_syncs, &context_) != 0) context_ = 0;
  }
  ~SyncQueue() {
    if (context_ != 0) ::syscall(SYS_io_destroy, context_);
  }
  SyncQueue(const SyncQueue&) = delete;

  // Syncs all, at most max_syncs. The errno of one that failed, 0 if none did.
  int sync(std::span<const int> fds) {
    std::array<iocb, max_syncs> requests{};
    std::array<iocb*, max_syncs> pointers{};
    for (std::size_t i = 0; i < fds.size(); ++i) {
      requests[i].aio_lio_opcode = IOCB_CMD_FSYNC;
      requests[i].aio_fildes = static_cast<std::uint32_t>(fds[i]);
      pointers[i] = &requests[i];
    }
    long submitted = 0;
    if (context_ != 0)
      submitted = std::max(0L, ::syscall(SYS_io_submit, context_, static_cast<long>(fds.size()), pointers.data()));
    int error = 0;
    // Syncs one by one the files that the kernel did not take (some sandboxes have no such queue).
    for (const int fd : fds.subspan(static_cast<std::size_t>(submitted)))
      if (::fsync(fd) != 0) error = errno;
    const int waited = wait_for(submitted);
    return waited != 0 ? waited : error;
  }

private:
  int wait_for(long count) {
    std::array<io_event, max_syncs> events{};
    int error = 0;
    while (count > 0) {
      const long got = ::syscall(SYS_io_getevents, context_, count, count, events.data(), nullptr);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return errno;
      for (long i = 0; i < got; ++i)
        if (events[static_cast<std::size_t>(i)].res < 0)
          error = static_cast<int>(-events[static_cast<std::size_t>(i)].res);
      count -= got;
    }
    return error;
  }

  aio_context_t context_ = 0; // 0: the kernel has none for us
};

} // namespace

int FsOps::open(const char* path, int flags, mode_t mode) { return ::open(path, flags, mode); }
ssize_t FsOps::write(int fd, const void* bytes, std::size_t size) { return ::write(fd, bytes, size); }
ssize_t FsOps::copy_file_range(int from, off_t* from_offset, int to, off_t* to_offset, std::size_t size) {
  return ::copy_file_range(from, from_offset, to, to_offset, size, 0);
}
int FsOps::ftruncate(int fd, off_t size) { return ::ftruncate(fd, size); }
int FsOps::fsync(int fd) { return ::fsync(fd); }
int FsOps::fsync_all(std::span<const int> fds) {
  if (fds.size() == 1) return fsync(fds.front());
  thread_local SyncQueue queue;
  for (; !fds.empty(); fds = fds.subspan(std::min(fds.size(), max_syncs))) {
    errno = queue.sync(fds.first(std::min(fds.size(), max_syncs)));
    if (errno != 0) return -1;
  }
  return 0;
}
int FsOps::mkdir(const char* path, mode_t mode) { return ::mkdir(path, mode); }
int FsOps::rename(const char* from, const char* to) { return ::rename(from, to); }
int FsOps::linkat(const char* open_file, const char* to) {
  return ::linkat(AT_FDCWD, open_file, AT_FDCWD, to, AT_SYMLINK_FOLLOW);
}
int FsOps::unlink(const char* path) { return ::unlink(path); }
int FsOps::rmdir(const char* path) { return ::rmdir(path); }

} // namespace berth::driver
