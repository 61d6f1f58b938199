// The reading half of a queue.
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>

#include "base/content.h"
#include "notify/checksum.h"
#include "notify/queue.h"

namespace berth::notify {
namespace {

constexpr std::size_t read_bytes = 64 * 1024;
constexpr std::size_t position_bytes = 42; // two numbers of twenty digits, a space, the end of the line

std::unexpected<Error> failed(std::string_view call, const std::string& path) {
  return std::unexpected(errno_error(call, path, errno));
}

// The event of a line without its end; nothing if the line is damaged.
std::optional<std::string> event_of(std::string_view line) {
  if (line.size() < 9 || line[8] != ' ') return std::nullopt;
  std::uint32_t checksum = 0;
  const auto [end, error] = std::from_chars(line.begin(), line.begin() + 8, checksum, 16);
  if (error != std::errc() || end != line.begin() + 8 || checksum != crc32c(line.substr(9))) return std::nullopt;
  return std::string(line.substr(9));
}

// Whether a line begins at the offset of an open segment.
bool begins_line(int fd, std::uint64_t offset) {
  char before = 0;
  return offset == 0 || (::pread(fd, &before, 1, static_cast<off_t>(offset) - 1) == 1 && before == '\n');
}

} // namespace

// Where the position says, if there is a line; else at the beginning of what is there. What is delivered twice then is
// one segment at most; nothing is passed over.
Result<> Queue::Delivery::load() {
  position_ = queue_.taken();
  if (position_.segment == 0) position_ = {1, 0}; // unknown; next_segment finds the first that is there
  BERTH_TRY(const auto numbers, queue_.segments());
  // Left by a pool that died between taking and removing.
  for (const std::uint64_t number : numbers)
    if (number < position_.segment) ::unlink(queue_.path_of(number).c_str());
  BERTH_CHECK(open_segment());
  if (!segment_) {
    position_.offset = 0;
  } else if (!begins_line(segment_.get(), position_.offset)) {
    queue_.logger_.warn("notifications: a lost position, events may be delivered again",
                        {{"queue", queue_.options_.directory}});
    position_.offset = 0;
  }
  return {};
}

// Leaves none open if there is no such segment (yet).
Result<> Queue::Delivery::open_segment() {
  segment_ = UniqueFd(::open(queue_.path_of(position_.segment).c_str(), O_RDONLY | O_CLOEXEC));
  if (!segment_ && errno != ENOENT) return failed("open", queue_.path_of(position_.segment));
  return {};
}

Result<> Queue::Delivery::save() {
  std::array<char, position_bytes + 1> text{};
  std::snprintf(text.data(), text.size(), "%020lu %020lu\n", position_.segment, position_.offset);
  if (::pwrite(position_file_.get(), text.data(), position_bytes, 0) != static_cast<ssize_t>(position_bytes))
    return failed("write", queue_.options_.directory + "/position");
  return {};
}

// Adds the next bytes of the segment to the buffer; none at its end.
Result<> Queue::Delivery::read_more() {
  if (!segment_) BERTH_CHECK(open_segment());
  if (!segment_) return {};
  const std::size_t had = buffer_.size();
  buffer_.resize(had + read_bytes);
  const ssize_t got =
      ::pread(segment_.get(), buffer_.data() + had, read_bytes, static_cast<off_t>(position_.offset + had));
  buffer_.resize(had + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  if (got < 0) return failed("read", queue_.path_of(position_.segment));
  return {};
}

// Goes on to the next segment if this one is closed, and removes it. Returns false if there is no next segment.
Result<bool> Queue::Delivery::next_segment() {
  struct stat status{};
  if (segment_ && ::fstat(segment_.get(), &status) != 0) return failed("fstat", queue_.path_of(position_.segment));
  const bool closed = segment_ && static_cast<std::uint64_t>(status.st_size) >= queue_.options_.segment_bytes;
  if (closed && position_.offset + buffer_.size() < static_cast<std::uint64_t>(status.st_size)) return true; // grew
  const std::uint64_t finished = position_.segment;
  if (closed) {
    position_ = {finished + 1, 0};
  } else {
    // A gap: segments were removed by hand. The segments are listed again, as this one may have come meanwhile, and
    // with it the next.
    BERTH_TRY(const auto numbers, queue_.segments());
    const auto next = std::ranges::upper_bound(numbers, finished);
    if (next == numbers.end() || (segment_ && status.st_nlink != 0)) return false;
    if (!segment_) BERTH_CHECK(open_segment());
    if (segment_ && ::fstat(segment_.get(), &status) == 0 && status.st_nlink != 0) return true;
    position_ = {*next, 0};
  }
  segment_.reset();
  buffer_.clear();
  BERTH_CHECK(save());
  if (closed) ::unlink(queue_.path_of(finished).c_str()); // should it stay, the next delivery removes it
  return true;
}

// The event of the first line in the buffer; nothing if the line is not whole. Lines that are damaged are dropped.
std::optional<std::string> Queue::Delivery::take_line() {
  for (std::size_t end; (end = buffer_.find('\n')) != std::string::npos;) {
    if (auto event = event_of(std::string_view(buffer_).substr(0, end))) {
      front_length_ = end + 1;
      return event;
    }
    if (end > 0)
      queue_.logger_.error("notifications: a damaged event is passed over", {{"queue", queue_.options_.directory}});
    buffer_.erase(0, end + 1);
    position_.offset += end + 1;
  }
  return std::nullopt;
}

Result<std::optional<std::string>> Queue::Delivery::front() {
  for (;;) {
    if (auto event = take_line()) return event;
    const std::size_t had = buffer_.size();
    BERTH_CHECK(read_more());
    if (buffer_.size() > had) continue;
    BERTH_TRY(const bool more, next_segment());
    if (!more) return std::optional<std::string>();
  }
}

Result<> Queue::Delivery::pop() {
  buffer_.erase(0, front_length_);
  position_.offset += front_length_;
  front_length_ = 0;
  return save();
}

Result<std::uint64_t> Queue::count() {
  BERTH_TRY(const auto numbers, segments());
  const Position position = taken();
  std::uint64_t lines = 0;
  std::string piece(read_bytes, '\0');
  for (const std::uint64_t number : numbers) {
    if (number < position.segment) continue;
    const UniqueFd fd(::open(path_of(number).c_str(), O_RDONLY | O_CLOEXEC));
    off_t offset = number == position.segment ? static_cast<off_t>(position.offset) : 0;
    for (ssize_t got; fd && (got = ::pread(fd.get(), piece.data(), piece.size(), offset)) > 0; offset += got)
      lines += static_cast<std::uint64_t>(std::count(piece.begin(), piece.begin() + got, '\n'));
  }
  return lines;
}

} // namespace berth::notify
