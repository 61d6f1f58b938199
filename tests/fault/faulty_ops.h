// Disks that fail: FailingOps fails chosen calls; ForgetfulOps also knows what a power cut would leave.
#pragma once

#include <atomic>
#include <cerrno>
#include <limits>
#include <map>
#include <string>

#include "base/unique_fd.h"
#include "driver/fs_ops.h"

namespace berth::test {

// Counts the calls and fails those numbered [first_failing, last_failing], beginning with 1.
class FailingOps : public driver::FsOps {
public:
  static constexpr int never = std::numeric_limits<int>::max();
  int first_failing = never;
  int last_failing = never;
  int error_number = EIO;
  int calls = 0;

  bool has_failed() const { return calls >= first_failing; }

  int open(const char* path, int flags, mode_t mode) override { return fails() ? -1 : FsOps::open(path, flags, mode); }
  ssize_t write(int fd, const void* bytes, std::size_t size) override {
    return fails() ? -1 : FsOps::write(fd, bytes, size);
  }
  ssize_t copy_file_range(int from, off_t* from_offset, int to, off_t* to_offset, std::size_t size) override {
    return fails() ? -1 : FsOps::copy_file_range(from, from_offset, to, to_offset, size);
  }
  int ftruncate(int fd, off_t size) override { return fails() ? -1 : FsOps::ftruncate(fd, size); }
  int fsync(int) override { return fails() ? -1 : 0; } // the disk under the test is not what is tested
  int fsync_all(std::span<const int> fds) override {
    for (const int fd : fds)
      if (fsync(fd) != 0) return -1;
    return 0;
  }
  int mkdir(const char* path, mode_t mode) override { return fails() ? -1 : FsOps::mkdir(path, mode); }
  int rename(const char* from, const char* to) override { return fails() ? -1 : FsOps::rename(from, to); }
  int linkat(const char* open_file, const char* to) override { return fails() ? -1 : FsOps::linkat(open_file, to); }
  int unlink(const char* path) override { return fails() ? -1 : FsOps::unlink(path); }
  int rmdir(const char* path) override { return fails() ? -1 : FsOps::rmdir(path); }

private:
  bool fails() {
    ++calls;
    if (calls < first_failing || calls > last_failing) return false;
    errno = error_number;
    return true;
  }
};

// Remembers what fsync made durable: of a file its bytes, of a directory its entries. restore() builds the tree that a
// power cut now would leave, in the worst case: nothing else survives.
class ForgetfulOps : public FailingOps {
public:
  int fsync(int fd) override;
  // root: the directory to restore; target: an empty directory to build it in. The root itself always survives.
  void restore(const std::string& root, const std::string& target);

private:
  struct Durable {
    bool is_directory = false;
    std::string bytes;                    // of a file, when it was last synced
    std::map<std::string, ino_t> entries; // of a directory
    UniqueFd keep;                        // so that the inode number is not used again
  };
  Durable& know(int fd);
  void restore_entries(ino_t directory, const std::string& target);

  std::map<ino_t, Durable> durable_;
};

} // namespace berth::test
