#include "driver/fs_ops.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>

namespace berth::driver {

int FsOps::open(const char* path, int flags, mode_t mode) { return ::open(path, flags, mode); }
ssize_t FsOps::write(int fd, const void* bytes, std::size_t size) { return ::write(fd, bytes, size); }
ssize_t FsOps::copy_file_range(int from, off_t* from_offset, int to, off_t* to_offset, std::size_t size) {
  return ::copy_file_range(from, from_offset, to, to_offset, size, 0);
}
int FsOps::ftruncate(int fd, off_t size) { return ::ftruncate(fd, size); }
int FsOps::fsync(int fd) { return ::fsync(fd); }
int FsOps::mkdir(const char* path, mode_t mode) { return ::mkdir(path, mode); }
int FsOps::rename(const char* from, const char* to) { return ::rename(from, to); }
int FsOps::linkat(const char* open_file, const char* to) {
  return ::linkat(AT_FDCWD, open_file, AT_FDCWD, to, AT_SYMLINK_FOLLOW);
}
int FsOps::unlink(const char* path) { return ::unlink(path); }
int FsOps::rmdir(const char* path) { return ::rmdir(path); }

} // namespace berth::driver
