// Content: bytes that came with a request, either in memory or in a file that nginx spooled. Readers treat both alike;
// whoever stores it may take the file instead of copying it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"

namespace berth {

class Content {
public:
  Content() = default; // empty
  static Content of(std::string bytes);
  // A regular file, opened for reading. The file stays where it is until a caller takes it; no one else writes to it.
  // Errors: not_found, io (also for anything that is not a regular file).
  static Result<Content> open(std::string path);

  std::uint64_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  // The file behind it: its absolute path and descriptor; is_file() is false for bytes in memory.
  bool is_file() const { return static_cast<bool>(fd_); }
  const std::string& path() const { return text_; }
  int fd() const { return fd_.get(); }
  // The bytes in memory. Requires: !is_file().
  std::string_view bytes() const { return text_; }

  // Lets the disk begin to write the file while the caller reads it; a hint, without effect on bytes in memory.
  void start_writeback() const;

  // Calls sink with the bytes [offset, size()) in order, in pieces of at most 256 KiB; stops at the sink's first error.
  // Requires: offset <= size(). Errors: io; whatever the sink returns.
  using Sink = std::function<Result<>(std::span<const std::byte>)>;
  Result<> read(std::uint64_t offset, const Sink& sink) const;
  Result<> read(const Sink& sink) const { return read(0, sink); }

private:
  std::string text_; // the path, or the bytes
  UniqueFd fd_;
  std::uint64_t size_ = 0;
};

// Reads [offset, end of file) of an open file in the same manner. Errors: io; whatever the sink returns.
Result<> read_file(int fd, std::uint64_t offset, const Content::Sink& sink);

// Writes all of it to an open file or pipe; path: for the message. Errors: io, storage_full.
Result<> write_all(int fd, std::string_view bytes, std::string_view path);

// An io (or not_found, exists, storage_full) error from errno: "rename /a/b: No space left on device".
Error errno_error(std::string_view call, std::string_view path, int error_number);

} // namespace berth
