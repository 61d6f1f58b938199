#include "base/content.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

namespace berth {
namespace {

// Large enough that the system call is nothing beside the hashing of what it reads, small enough for the L2 cache.
constexpr std::size_t piece_bytes = 256 * 1024;

Code code_of(int error_number) {
  switch (error_number) {
  case ENOENT:
  case ENOTDIR:
  case ELOOP: return Code::not_found; // a symbolic link that leads nowhere, or may not be followed
  case EACCES: return Code::not_permitted;
  case EEXIST: return Code::exists;
  case ENOSPC:
  case EDQUOT: return Code::storage_full;
  default: return Code::io;
  }
}

} // namespace

Error errno_error(std::string_view call, std::string_view path, int error_number) {
  std::string message(call);
  message.append(" ").append(path).append(": ").append(std::strerror(error_number));
  return Error{code_of(error_number), std::move(message), {}};
}

Content Content::of(std::string bytes) {
  Content content;
  content.size_ = bytes.size();
  content.text_ = std::move(bytes);
  return content;
}

Result<Content> Content::open(std::string path) {
  Content content;
  content.fd_ = UniqueFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!content.fd_) return std::unexpected(errno_error("open", path, errno));
  struct stat info{};
  if (::fstat(content.fd_.get(), &info) != 0) return std::unexpected(errno_error("fstat", path, errno));
  if (!S_ISREG(info.st_mode)) return fail(Code::io, "open " + path + ": not a regular file");
  content.size_ = static_cast<std::uint64_t>(info.st_size);
  content.text_ = std::move(path);
  return content;
}

Content Content::from(std::unique_ptr<const Source> source) {
  Content content;
  content.size_ = source->size();
  content.source_ = std::move(source);
  return content;
}

void Content::start_writeback() const {
  if (is_file()) ::sync_file_range(fd_.get(), 0, 0, SYNC_FILE_RANGE_WRITE);
}

Result<> Content::read(std::uint64_t offset, const Sink& sink) const {
  if (is_file()) return read_file(fd_.get(), offset, sink);
  if (source_ != nullptr) return source_->read(offset, sink);
  return sink(std::as_bytes(std::span(text_.data(), text_.size()).subspan(offset)));
}

Result<std::string> read_all(const Content& content) {
  std::string bytes;
  BERTH_CHECK(content.read([&](std::span<const std::byte> piece) -> Result<> {
    bytes.append(reinterpret_cast<const char*>(piece.data()), piece.size());
    return {};
  }));
  return bytes;
}

Result<> read_file(int fd, std::uint64_t offset, const Content::Sink& sink) {
  struct stat info{};
  if (::fstat(fd, &info) != 0) return std::unexpected(errno_error("fstat", "file", errno));
  // A small file needs a small buffer: one byte more than it has, so that one read sees its end.
  const auto rest = static_cast<std::uint64_t>(info.st_size) - std::min<std::uint64_t>(offset, info.st_size);
  const std::size_t bytes = std::min<std::uint64_t>(piece_bytes, rest + 1);
  const auto buffer = std::make_unique_for_overwrite<std::byte[]>(bytes);
  for (;;) {
    const ssize_t got = ::pread(fd, buffer.get(), bytes, static_cast<off_t>(offset));
    if (got == 0) return {};
    if (got < 0) {
      if (errno == EINTR) continue;
      return std::unexpected(errno_error("read", "file", errno));
    }
    BERTH_CHECK(sink({buffer.get(), static_cast<std::size_t>(got)}));
    offset += static_cast<std::uint64_t>(got);
  }
}

Result<> write_all(int fd, std::string_view bytes, std::string_view path) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return std::unexpected(errno_error("write", path, errno));
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

} // namespace berth
