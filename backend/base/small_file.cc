#include "base/small_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>

#include "base/content.h"
#include "base/encoding.h"
#include "base/unique_fd.h"

namespace berth {

Result<std::string> read_small_file(const std::string& path, std::size_t max_bytes) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)); // a FIFO would wait for its writer
  struct stat info{};
  if (!file || ::fstat(file.get(), &info) != 0) return std::unexpected(errno_error("open", path, errno));
  if (!S_ISREG(info.st_mode)) return fail(Code::io, "open " + path + ": not a regular file");
  std::string text;
  BERTH_CHECK(read_file(file.get(), 0, [&](std::span<const std::byte> piece) -> Result<> {
    text += as_text(piece);
    if (text.size() > max_bytes) return fail(Code::size_invalid, path + " is larger than " + std::to_string(max_bytes));
    return {};
  }));
  return text;
}

Result<> replace_small_file(const std::string& path, std::string_view text) {
  struct stat before{};
  const bool is_there = ::stat(path.c_str(), &before) == 0;
  std::string temporary = path + ".XXXXXX";
  const UniqueFd file(::mkostemp(temporary.data(), O_CLOEXEC)); // 0600
  if (!file) return std::unexpected(errno_error("create", temporary, errno));
  const auto finish = [&]() -> Result<> {
    BERTH_CHECK(write_all(file.get(), text, temporary));
    if (is_there &&
        (::fchown(file.get(), before.st_uid, before.st_gid) != 0 || ::fchmod(file.get(), before.st_mode & 07777) != 0))
      return std::unexpected(errno_error("chown", temporary, errno));
    if (::fsync(file.get()) != 0) return std::unexpected(errno_error("fsync", temporary, errno));
    if (::rename(temporary.c_str(), path.c_str()) != 0) return std::unexpected(errno_error("rename", path, errno));
    return {};
  };
  if (auto finished = finish(); !finished) {
    ::unlink(temporary.c_str());
    return finished;
  }
  const std::string directory = std::filesystem::path(path).parent_path();
  const UniqueFd parent(::open(directory.empty() ? "." : directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!parent || ::fsync(parent.get()) != 0) return std::unexpected(errno_error("fsync", directory, errno));
  return {};
}

} // namespace berth
