#include "base/small_file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

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

} // namespace berth
