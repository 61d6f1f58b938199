// Content: bytes that came with a request or are in a store: in memory, in a file (that nginx spooled, or the store's
// own), or at a Source. Readers treat all alike; whoever stores it may take the file instead of copying it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"

namespace berth {

// Bytes that are elsewhere, as an object of a store is: each read may be a request over a network.
class Source {
public:
  using Sink = std::function<Result<>(std::span<const std::byte>)>;
  virtual ~Source() = default;
  virtual std::uint64_t size() const = 0;
  // As Content::read().
  virtual Result<> read(std::uint64_t offset, const Sink& sink) const = 0;
};

class Content {
public:
  Content() = default; // empty
  static Content of(std::string bytes);
  // A regular file, opened for reading. The file stays where it is until a caller takes it; no one else writes to it.
  // Errors: not_found, io (also for anything that is not a regular file).
  static Result<Content> open(std::string path);
  static Content from(std::unique_ptr<const Source> source);

  std::uint64_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  // The file behind it, if there is one: its absolute path and descriptor.
  bool is_file() const { return static_cast<bool>(fd_); }
  const std::string& path() const { return text_; }
  int fd() const { return fd_.get(); }
  // The source behind it; null for a file, and for bytes in memory.
  const Source* source() const { return source_.get(); }
  bool is_in_memory() const { return !is_file() && source_ == nullptr; }
  // Requires: is_in_memory().
  std::string_view bytes() const { return text_; }

  // Lets the disk begin to write the file while the caller reads it; a hint, of effect on files alone.
  void start_writeback() const;

  // Calls sink with the bytes [offset, size()) in order, a file's in pieces of at most 256 KiB; stops at the sink's
  // first error. On an error, what the sink was given counts for nothing. Requires: offset <= size(). Errors: io;
  // whatever the source or the sink returns.
  using Sink = Source::Sink;
  Result<> read(std::uint64_t offset, const Sink& sink) const;
  Result<> read(const Sink& sink) const { return read(0, sink); }

private:
  std::string text_; // the path, or the bytes
  UniqueFd fd_;
  std::unique_ptr<const Source> source_;
  std::uint64_t size_ = 0;
};

// All of its bytes, in memory. Errors: as read().
Result<std::string> read_all(const Content& content);

// Reads [offset, end of file) of an open file in the same manner. Errors: io; whatever the sink returns.
Result<> read_file(int fd, std::uint64_t offset, const Content::Sink& sink);

// Writes all of it to an open file or pipe; path: for the message. Errors: io, storage_full.
Result<> write_all(int fd, std::string_view bytes, std::string_view path);

// An io (or not_found, exists, storage_full) error from errno: "rename /a/b: No space left on device".
Error errno_error(std::string_view call, std::string_view path, int error_number);

} // namespace berth
