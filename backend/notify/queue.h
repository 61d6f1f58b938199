// Queue: the events of one endpoint on disk, in order, shared by all pools that use one store. Any pool appends; one at
// a time holds the delivery and takes from the front.
//
// A directory of segments, NNNNNNNNNNNNNNNN.log, each a line an event: a CRC-32C of the rest in hexadecimal, a space,
// the event. A segment that has reached its size is never written to again, and removed once all of it was taken.
// `position` says how far that is; `delivery` is locked by who delivers.
//
// Every change is one write(2) under a flock(2) of the file, so that a process that dies leaves nothing half-done, and
// nothing is kept in memory that another pool would need. A line that a power cut damaged is passed over.
// Threads: all of Queue is safe; a Delivery belongs to one thread.
// Errors: io, storage_full.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/guarded.h"
#include "base/log.h"
#include "base/result.h"
#include "base/unique_fd.h"

namespace berth::notify {

struct QueueOptions {
  std::string directory;                                // made if need be, and those above it
  std::uint64_t max_bytes = std::uint64_t{1} << 30;     // of all segments together, give or take one
  std::uint64_t segment_bytes = std::uint64_t{1} << 23; // a segment is closed when it is this large
};

// The weight of an event when the queue fills: pulls are refused first, so that the rest still has room.
enum class Weight { pull, change };

class Queue {
public:
  // Where a line begins.
  struct Position {
    std::uint64_t segment = 0;
    std::uint64_t offset = 0;
    friend bool operator==(const Position&, const Position&) = default;
  };

  static Result<std::unique_ptr<Queue>> open(QueueOptions options, Logger& logger);

  // Adds a line. A change is on disk when this returns (fdatasync); a pull is with the kernel.
  // Errors: storage_full, also when the queue is: three quarters full for a pull, wholly for a change.
  Result<> append(std::string_view event, Weight weight);

  // Errors: busy if another pool (or thread) has it.
  class Delivery;
  Result<std::unique_ptr<Delivery>> deliver();

  // The size of all segments, as of at most a second ago.
  std::uint64_t bytes();
  // How many events wait; reads all of the queue.
  Result<std::uint64_t> count();

private:
  struct Segment {
    UniqueFd fd;
    std::uint64_t number = 0;
  };
  struct Measured {
    std::chrono::steady_clock::time_point at{};
    std::uint64_t bytes = 0;
    bool known = false;
  };

  Queue(QueueOptions options, Logger& logger) : options_(std::move(options)), logger_(logger) {}
  std::string path_of(std::uint64_t segment) const;
  Result<std::vector<std::uint64_t>> segments() const; // in order
  Result<Segment> open_segment(std::uint64_t number);
  Result<Segment> take_segment();
  Result<bool> append_to(const Segment& segment, const std::string& line, Weight weight);
  Result<> sync_directory();
  // Up to where events were taken; of segment 0 if that is not known.
  Position taken() const;

  const QueueOptions options_;
  Logger& logger_;
  Guarded<std::vector<Segment>> idle_; // open segments: one append uses one, as locks are those of an open file
  std::atomic<std::uint64_t> newest_ = 1;
  Guarded<Measured> measured_;
  std::mutex turn_; // of this process' appends; held while the kernel takes a line, not while the disk does
};

// The right to take events, held until destroyed or until the process dies.
class Queue::Delivery {
public:
  // The event at the front; nullopt if the queue is empty.
  Result<std::optional<std::string>> front();
  // Takes the front away. Survives the death of the process; after a power cut some may be delivered again.
  Result<> pop();

private:
  friend class Queue;
  Delivery(Queue& queue, UniqueFd lock, UniqueFd position)
      : queue_(queue), lock_(std::move(lock)), position_file_(std::move(position)) {}
  Result<> load();
  Result<> open_segment();
  Result<> save();
  Result<> read_more();
  Result<bool> next_segment();
  std::optional<std::string> take_line();

  Queue& queue_;
  UniqueFd lock_;
  UniqueFd position_file_;
  Position position_;              // of the front
  UniqueFd segment_;               // position_.segment, open; none: not there (yet)
  std::string buffer_;             // what was read from position_.offset on
  std::uint64_t front_length_ = 0; // of the front's line, with its end; 0: not looked for yet
};

} // namespace berth::notify
