// Notifier: tells every endpoint what happened.
// Threads: safe.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/random.h"
#include "notify/endpoint.h"
#include "notify/event.h"

namespace berth::notify {

struct NotifierOptions {
  struct One {
    EndpointOptions endpoint;
    HttpOptions http;
  };
  std::vector<One> endpoints;
  std::string directory;                                  // where the queues are: <directory>/<name and a hash of it>/
  std::uint64_t max_queue_bytes = std::uint64_t{1} << 30; // of one endpoint
};

class Notifier final : public Listener {
public:
  // Opens the queues and starts to deliver what is in them. Borrows: logger.
  // Errors: invalid if two endpoints have one name; io, if a queue cannot be opened.
  static Result<std::unique_ptr<Notifier>> start(const NotifierOptions& options, Logger& logger);
  ~Notifier() override; // stops, with some grace for what is in the queues

  bool empty() const { return endpoints_.empty(); }
  void record(const Event& event) override;
  std::vector<EndpointStatus> status();

private:
  Notifier() = default;
  std::vector<std::unique_ptr<Endpoint>> endpoints_;
};

// The name of an endpoint's queue below the directory of all.
std::string queue_name(const std::string& endpoint);

} // namespace berth::notify
