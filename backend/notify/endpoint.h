// Endpoint: one receiver of notifications: what it wants, its queue, and the thread that delivers.
//
// Delivery is at least once and in order: the event at the front is posted until the endpoint takes it. After
// `threshold` failures in a row each further attempt waits `backoff`. One pool of those that share a store delivers; if
// it dies another goes on within a second.
// Threads: record, status and stop are safe.
// Spec: docker/distribution's notifications.endpoints.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/guarded.h"
#include "base/log.h"
#include "notify/event.h"
#include "notify/queue.h"
#include "notify/sender.h"

namespace berth::notify {

struct EndpointOptions {
  std::string name; // not empty; no two endpoints of one store have the same
  std::string url;  // for show: without_secrets
  int threshold = 10;
  std::chrono::milliseconds backoff{1000};
  std::vector<std::string> ignored_media_types; // of the target, exactly
  std::vector<std::string> ignored_actions;
};

// Counts of an endpoint since this process started; for /debug/vars and /metrics.
struct EndpointStatus {
  std::string name;
  std::string url;
  bool delivers = false;                 // this process does; the others have no `pending`
  std::uint64_t pending = 0;             // events in the queue
  std::uint64_t events = 0;              // taken into the queue by this process
  std::uint64_t dropped = 0;             // that could not be: a full queue, a full disk
  std::uint64_t successes = 0;           // events delivered
  std::uint64_t failures = 0;            // replies that were no success
  std::uint64_t errors = 0;              // attempts without a reply
  std::map<int, std::uint64_t> statuses; // replies by status
};

class Endpoint {
public:
  // Starts delivering. Borrows: logger.
  Endpoint(EndpointOptions options, std::unique_ptr<Queue> queue, std::unique_ptr<Sender> sender, Logger& logger);
  ~Endpoint(); // stops
  Endpoint(const Endpoint&) = delete;

  bool wants(const Event& event) const;
  // Appends the event, as to_json wrote it; never fails. Durable as Listener says.
  void record(const Event& event, const std::string& json);
  // Reads the queue: seconds, if it is full.
  EndpointStatus status();
  // Delivers what is there as long as the endpoint takes it, but no longer than grace; the rest stays in the queue.
  void stop(std::chrono::milliseconds grace);

private:
  using Clock = std::chrono::steady_clock;
  struct Counts {
    EndpointStatus status;
    Clock::time_point dropping_since{}; // of the last line that was logged of it
    bool dropping = false;
  };

  void run();
  void deliver_from(Queue::Delivery& delivery);
  bool send(const std::string& event);
  void note_failure(const Error& why);
  void note_success();
  bool wait(std::chrono::milliseconds time); // false: stop
  bool stopping();

  const EndpointOptions options_;
  const std::unique_ptr<Queue> queue_;
  const std::unique_ptr<Sender> sender_;
  Logger& logger_;
  Guarded<Counts> counts_;

  std::mutex mutex_; // of the five below
  std::condition_variable woken_;
  bool fresh_ = false; // something was appended
  bool idle_ = false;  // the thread waits for something to be
  bool ended_ = false; // the thread is done
  std::optional<Clock::time_point> stop_at_;

  int failures_in_row_ = 0; // the thread's own
  std::thread thread_;      // the last member: it uses the others
};

} // namespace berth::notify
