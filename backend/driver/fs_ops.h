// FsOps: the system calls by which the filesystem driver changes the disk, as a seam for the fault tests: one that
// fails the Nth call, one that forgets what was not synced (tests/fault). Each behaves as its system call: the result,
// and errno. Threads: safe.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <span>

namespace berth::driver {

class FsOps {
public:
  virtual ~FsOps() = default;
  virtual int open(const char* path, int flags, mode_t mode);
  virtual ssize_t write(int fd, const void* bytes, std::size_t size);
  virtual ssize_t copy_file_range(int from, off_t* from_offset, int to, off_t* to_offset, std::size_t size);
  virtual int ftruncate(int fd, off_t size);
  virtual int fsync(int fd);
  // Like fsync of each, but all at once: the disk is waited for once. On an error some may have been synced.
  virtual int fsync_all(std::span<const int> fds);
  virtual int mkdir(const char* path, mode_t mode);
  virtual int rename(const char* from, const char* to);
  virtual int linkat(const char* open_file, const char* to); // open_file: a path below /proc/self/fd
  virtual int unlink(const char* path);
  virtual int rmdir(const char* path);
};

} // namespace berth::driver
