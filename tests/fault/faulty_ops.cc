#include "fault/faulty_ops.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "unit/temp_dir.h"

namespace berth::test {
namespace {

struct stat stat_of(int fd) {
  struct stat info{};
  if (::fstat(fd, &info) != 0) throw std::runtime_error("fstat");
  return info;
}

std::string path_of(int fd) { return "/proc/self/fd/" + std::to_string(fd); }

} // namespace

ForgetfulOps::Durable& ForgetfulOps::know(int fd) {
  const struct stat info = stat_of(fd);
  Durable& durable = durable_[info.st_ino];
  if (!durable.keep) durable.keep = UniqueFd(::open(path_of(fd).c_str(), O_PATH | O_CLOEXEC));
  durable.is_directory = S_ISDIR(info.st_mode);
  return durable;
}

int ForgetfulOps::fsync(int fd) {
  if (FailingOps::fsync(fd) != 0) return -1;
  Durable& durable = know(fd);
  if (!durable.is_directory) {
    durable.bytes = read_whole(path_of(fd));
    return 0;
  }
  std::map<std::string, ino_t> entries;
  for (const auto& entry : std::filesystem::directory_iterator(path_of(fd) + "/.")) {
    const UniqueFd child(::open(entry.path().c_str(), O_PATH | O_CLOEXEC));
    if (!child) continue;
    know(child.get());
    entries[entry.path().filename()] = stat_of(child.get()).st_ino;
  }
  know(fd).entries = std::move(entries);
  return 0;
}

void ForgetfulOps::restore(const std::string& root, const std::string& target) {
  const UniqueFd fd(::open(root.c_str(), O_PATH | O_CLOEXEC));
  if (fd) restore_entries(stat_of(fd.get()).st_ino, target);
}

void ForgetfulOps::restore_entries(ino_t directory, const std::string& target) {
  for (const auto& [name, inode] : durable_[directory].entries) {
    const std::string path = target + "/" + name;
    if (durable_[inode].is_directory) {
      std::filesystem::create_directory(path);
      restore_entries(inode, path);
    } else {
      std::ofstream(path, std::ios::binary) << durable_[inode].bytes;
    }
  }
}

} // namespace berth::test
