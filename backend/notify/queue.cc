#include "notify/queue.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <filesystem>

#include "base/content.h"
#include "notify/checksum.h"

namespace berth::notify {
namespace {

constexpr std::string_view suffix = ".log";
constexpr std::size_t number_digits = 16;
constexpr auto measure_interval = std::chrono::seconds(1);
constexpr std::size_t max_idle_segments = 64; // as many as threads append at once, or so
constexpr int max_rotations = 1000;           // that one append follows while others close segment after segment

std::unexpected<Error> failed(std::string_view call, const std::string& path) {
  return std::unexpected(errno_error(call, path, errno));
}

// Holds the lock of an open file; waits for it. Whoever holds it does no more than a write.
class FileLock {
public:
  explicit FileLock(int fd) : fd_(fd) {
    while ((held_ = ::flock(fd_, LOCK_EX) == 0) == false && errno == EINTR) {
    }
  }
  ~FileLock() {
    if (held_) ::flock(fd_, LOCK_UN);
  }
  FileLock(const FileLock&) = delete;
  explicit operator bool() const { return held_; }

private:
  int fd_;
  bool held_ = false;
};

std::string line_of(std::string_view event) {
  std::array<char, 10> checksum{};
  std::snprintf(checksum.data(), checksum.size(), "%08x ", crc32c(event));
  return std::string(checksum.data()) + std::string(event) + "\n";
}

// Writes all of it, or takes back what was written. The caller holds the file's lock.
Result<> write_whole(int fd, const std::string& bytes, off_t size_before, const std::string& path) {
  const ssize_t written = ::write(fd, bytes.data(), bytes.size());
  if (written == static_cast<ssize_t>(bytes.size())) return {};
  const int error = written < 0 ? errno : ENOSPC;
  if (written > 0 && ::ftruncate(fd, size_before) != 0) return failed("ftruncate", path);
  return std::unexpected(errno_error("write", path, error));
}

Result<> make_directories(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) return std::unexpected(errno_error("mkdir", path, error.value()));
  const std::filesystem::path directory(path);
  for (const auto& made : {directory, directory.parent_path(), directory.parent_path().parent_path()}) {
    const UniqueFd fd(::open(made.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd || ::fsync(fd.get()) != 0) return failed("fsync", made);
  }
  return {};
}

} // namespace

Result<std::unique_ptr<Queue>> Queue::open(QueueOptions options, Logger& logger) {
  BERTH_CHECK(make_directories(options.directory));
  std::unique_ptr<Queue> queue(new Queue(std::move(options), logger));
  BERTH_TRY(const auto numbers, queue->segments());
  if (!numbers.empty()) queue->newest_ = numbers.back();
  // Past what was taken: the position is never ahead of what is appended.
  queue->newest_ = std::max(queue->newest_.load(), queue->taken().segment);
  return queue;
}

std::string Queue::path_of(std::uint64_t segment) const {
  std::string number = std::to_string(segment);
  number.insert(0, number_digits - std::min(number_digits, number.size()), '0');
  return options_.directory + "/" + number + std::string(suffix);
}

Result<std::vector<std::uint64_t>> Queue::segments() const {
  std::vector<std::uint64_t> numbers;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(options_.directory, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string name = entry->path().filename();
    if (name.size() != number_digits + suffix.size() || !name.ends_with(suffix)) continue;
    std::uint64_t number = 0;
    const auto [stop, bad] = std::from_chars(name.data(), name.data() + number_digits, number);
    if (bad == std::errc() && stop == name.data() + number_digits) numbers.push_back(number);
  }
  if (error) return std::unexpected(errno_error("readdir", options_.directory, error.value()));
  std::ranges::sort(numbers);
  return numbers;
}

Queue::Position Queue::taken() const {
  const UniqueFd fd(::open((options_.directory + "/position").c_str(), O_RDONLY | O_CLOEXEC));
  std::array<char, 64> text{};
  Position position;
  if (!fd || ::pread(fd.get(), text.data(), text.size() - 1, 0) <= 0) return {};
  return std::sscanf(text.data(), "%20lu %20lu", &position.segment, &position.offset) == 2 ? position : Position{};
}

Result<> Queue::sync_directory() {
  const UniqueFd fd(::open(options_.directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd || ::fsync(fd.get()) != 0) return failed("fsync", options_.directory);
  return {};
}

Result<Queue::Segment> Queue::open_segment(std::uint64_t number) {
  const std::string path = path_of(number);
  constexpr int flags = O_RDWR | O_APPEND | O_CLOEXEC;
  UniqueFd fd(::open(path.c_str(), flags));
  if (!fd && errno == ENOENT) {
    fd = UniqueFd(::open(path.c_str(), flags | O_CREAT, 0666));
    if (fd) BERTH_CHECK(sync_directory());
  }
  if (!fd) return failed("open", path);
  return Segment{std::move(fd), number};
}

// An open file of the newest segment that this process knows of.
Result<Queue::Segment> Queue::take_segment() {
  const std::uint64_t newest = newest_;
  Segment found = idle_.with([&](std::vector<Segment>& idle) {
    std::erase_if(idle, [&](const Segment& segment) { return segment.number < newest; });
    if (idle.empty()) return Segment{};
    Segment last = std::move(idle.back());
    idle.pop_back();
    return last;
  });
  if (found.fd) return found;
  return open_segment(newest);
}

// False: the segment is closed, the event belongs into a newer one.
Result<bool> Queue::append_to(const Segment& segment, const std::string& line, Weight weight) {
  const int fd = segment.fd.get();
  {
    // Threads queue here: a flock is handed from one sleeper to the next, and all would move at the pace of waking up.
    const std::lock_guard turn(turn_);
    const FileLock lock(fd);
    struct stat status{};
    if (!lock || ::fstat(fd, &status) != 0) return failed("flock", path_of(segment.number));
    if (static_cast<std::uint64_t>(status.st_size) >= options_.segment_bytes || status.st_nlink == 0) return false;
    // A new file: or one that was taken and removed, and made again here by a pool that came late.
    if (status.st_size == 0 && taken().segment > segment.number) {
      ::unlink(path_of(segment.number).c_str());
      return false;
    }
    char last = '\n';
    if (status.st_size > 0 && ::pread(fd, &last, 1, status.st_size - 1) != 1)
      return failed("read", path_of(segment.number));
    // Ends the part of a line that a power cut left.
    BERTH_CHECK(write_whole(fd, last == '\n' ? line : "\n" + line, status.st_size, path_of(segment.number)));
  }
  // Not under the lock: syncs of several events become one.
  if (weight == Weight::change && ::fdatasync(fd) != 0) return failed("fdatasync", path_of(segment.number));
  return true;
}

Result<> Queue::append(std::string_view event, Weight weight) {
  const std::uint64_t limit = weight == Weight::pull ? options_.max_bytes / 4 * 3 : options_.max_bytes;
  if (bytes() >= limit) return fail(Code::storage_full, "the queue " + options_.directory + " is full");
  const std::string line = line_of(event);
  for (int i = 0; i < max_rotations; ++i) {
    BERTH_TRY(Segment segment, take_segment());
    BERTH_TRY(const bool appended, append_to(segment, line, weight));
    if (appended) {
      idle_.with([&](std::vector<Segment>& idle) {
        if (idle.size() < max_idle_segments) idle.push_back(std::move(segment));
      });
      return {};
    }
    std::uint64_t known = segment.number; // unless another thread has moved on already
    newest_.compare_exchange_strong(known, std::max(segment.number + 1, taken().segment));
  }
  return fail(Code::io, "the queue " + options_.directory + " has no open segment");
}

std::uint64_t Queue::bytes() {
  const auto now = std::chrono::steady_clock::now();
  const Measured last = measured_.with([&](Measured& measured) {
    const Measured before = measured;
    if (!before.known || now - before.at >= measure_interval) measured = {now, before.bytes, true};
    return before;
  });
  if (last.known && now - last.at < measure_interval) return last.bytes;
  std::uint64_t total = 0;
  const auto numbers = segments();
  for (const std::uint64_t number : numbers ? *numbers : std::vector<std::uint64_t>()) {
    struct stat status{};
    if (::stat(path_of(number).c_str(), &status) == 0) total += static_cast<std::uint64_t>(status.st_size);
  }
  measured_.with([&](Measured& measured) { measured.bytes = total; });
  return total;
}

Result<std::unique_ptr<Queue::Delivery>> Queue::deliver() {
  const std::string lock_path = options_.directory + "/delivery", position_path = options_.directory + "/position";
  UniqueFd lock(::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666));
  if (!lock) return failed("open", lock_path);
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return fail(Code::busy, "another pool delivers");
    return failed("flock", lock_path);
  }
  UniqueFd position(::open(position_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666));
  if (!position) return failed("open", position_path);
  std::unique_ptr<Delivery> delivery(new Delivery(*this, std::move(lock), std::move(position)));
  BERTH_CHECK(delivery->load());
  return delivery;
}

} // namespace berth::notify
