// Sender: one attempt at one POST to an endpoint.
// Threads: a sender belongs to one thread; stop of the HTTP one is safe.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace berth::notify {

class Sender {
public:
  virtual ~Sender() = default;
  // The status of the reply. Errors: io, if there was none; unavailable, if stop() was called.
  virtual Result<int> post(const std::string& body) = 0;
  // Ends the post in progress soon, and all that follow.
  virtual void stop() = 0;
};

struct HttpOptions {
  std::string url; // http or https
  std::vector<std::pair<std::string, std::vector<std::string>>> headers;
  std::string media_type;
  std::chrono::milliseconds timeout{1000}; // of all of one POST, redirects too
};

// Over HTTP: follows redirects within http and https, keeps its connection, honours http_proxy and
// no_proxy.
Result<std::unique_ptr<Sender>> http_sender(const HttpOptions& options);

} // namespace berth::notify
