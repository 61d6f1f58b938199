// Metrics: what the pool counts, and the page that Prometheus reads: docker/distribution 3's names where it has them.
// Counting takes no lock and makes nothing: a few relaxed increments a request.
// Threads: safe.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/debug/answers.h"
#include "api/face.h"
#include "http/message.h"

namespace berth::api::debug {

class Metrics {
public:
  // Adds lines of another part to the page: of the cache, the webhooks, the pool.
  using Source = std::function<void(std::string& page)>;

  Metrics();

  // Makes room for what the endpoints of a face are called. Requires: is called before the first request.
  void add_endpoints(const Face& face);

private:
  struct Counts;

public:
  // A request from its arrival to its answer: under "other" until it is known where it goes. Blobs count as sent: nginx
  // is told to send them, whole. Borrows: both.
  class Counted {
  public:
    Counted(Metrics& metrics, const http::Request& request);
    ~Counted();
    Counted(const Counted&) = delete;
    void routed(std::string_view endpoint);
    void end(const http::Response& response);

  private:
    Metrics& metrics_;
    const http::Request& request_;
    Counts* counts_;
    const std::uint64_t request_bytes_; // the body is taken by whoever answers
    const std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
  };

  // Counts too what somebody else answers in the place of the endpoint: each page takes what has come. Several may take
  // from one, and none of it counts twice. Requires: is called before the first page. Borrows: others.
  void take_from(std::string_view endpoint, Answers& others) { others_.emplace_back(&counts_of(endpoint), &others); }

  // An action of the storage driver, by docker/distribution's name ("GetContent"), took so long.
  void storage_action(std::string_view action, Seconds time);
  // The same of the cache in redis ("RepoStat").
  void redis_action(std::string_view action, Seconds time);

  void add(Source source) { sources_.push_back(std::move(source)); } // before the first request
  std::string page();                                                // Prometheus' text form 0.0.4

private:
  static constexpr std::size_t actions = 8, redis_actions = 3;
  using Times = Answers::Times;

  struct Counts { // of the endpoints of one name
    explicit Counts(std::string_view called) : name(called) {}
    std::string name;
    Answers answers;
    std::atomic<std::int64_t> in_flight = 0;
  };
  struct Uploads {
    std::atomic<std::uint64_t> started = 0, completed = 0, mounted = 0, cancelled = 0, failed = 0, bytes = 0;
  };
  void count_upload(std::string_view endpoint, const http::Request& request, std::uint64_t bytes, int status);
  void write_requests(std::string& page) const;
  void write_uploads(std::string& page) const;

  Counts& counts_of(std::string_view name); // "other", the first, for a name that was not added

  std::deque<Counts> endpoints_;
  Times actions_[actions]{Times(second_bounds), Times(second_bounds), Times(second_bounds), Times(second_bounds),
                          Times(second_bounds), Times(second_bounds), Times(second_bounds), Times(second_bounds)};
  Times redis_[redis_actions]{Times(second_bounds), Times(second_bounds), Times(second_bounds)};
  Uploads uploads_;
  std::vector<Source> sources_;
  std::vector<std::pair<Counts*, Answers*>> others_;
};

// Lines for a Source: "# HELP" and "# TYPE" once for a name, then its values.
void write_head(std::string& page, std::string_view name, std::string_view type, std::string_view help);
void write_value(std::string& page, std::string_view name, const std::string& labels, double value);

} // namespace berth::api::debug
