// Metrics: what the pool counts, and the page that Prometheus reads: docker/distribution 3's names where it has them.
// Counting takes no lock and makes nothing: a few relaxed increments a request.
// Threads: safe.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "api/face.h"
#include "http/message.h"

namespace berth::api::debug {

using Seconds = std::chrono::duration<double>;

// How often values fell below each of some bounds.
template <std::size_t Count>
class Histogram {
public:
  explicit constexpr Histogram(const std::array<double, Count>& bounds) : bounds_(bounds) {}

  void observe(double value) {
    std::size_t bucket = 0;
    while (bucket < Count && value > bounds_[bucket]) ++bucket;
    counts_[bucket].fetch_add(1, std::memory_order_relaxed);
    sum_.fetch_add(value, std::memory_order_relaxed);
  }
  // Appends its lines; labels as `a="b"`, or empty. Nothing, if nothing was observed.
  void write(std::string& page, std::string_view name, const std::string& labels) const;

private:
  const std::array<double, Count>& bounds_;
  std::array<std::atomic<std::uint64_t>, Count + 1> counts_{};
  std::atomic<double> sum_ = 0;
};

// Bounds as docker/distribution has them, 1 KiB doubled and seconds; these with finer ones before, as most of what a
// pool does takes less than the 5 ms with which those begin.
inline constexpr std::array<double, 18> second_bounds{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05,
                                                      .1,    .25,    .5,    1,    2.5,   5,    10,  25,   60};
constexpr std::array<double, 22> size_bounds = [] {
  std::array<double, 22> bounds{};
  double bound = 1024;
  for (double& next : bounds) {
    next = bound;
    bound *= 2;
  }
  return bounds;
}();

class Metrics {
public:
  // The page's lines from somebody else: the cache, the webhooks, the pool.
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

  // An action of the storage driver, by docker/distribution's name ("GetContent"), took so long.
  void storage_action(std::string_view action, Seconds time);
  // The same of the cache in redis ("RepoStat").
  void redis_action(std::string_view action, Seconds time);

  void add(Source source) { sources_.push_back(std::move(source)); } // before the first request
  std::string page() const;                                          // Prometheus' text form 0.0.4

private:
  static constexpr std::size_t methods = 8, statuses = 32, actions = 8, redis_actions = 3;
  using Times = Histogram<second_bounds.size()>;

  struct Counts { // of the endpoints of one name
    explicit Counts(std::string_view called) : name(called) {}
    std::string name;
    Times seconds[methods]{Times(second_bounds), Times(second_bounds), Times(second_bounds), Times(second_bounds),
                           Times(second_bounds), Times(second_bounds), Times(second_bounds), Times(second_bounds)};
    Histogram<size_bounds.size()> request_bytes{size_bounds}, response_bytes{size_bounds};
    std::array<std::array<std::atomic<std::uint64_t>, statuses>, methods> answers{};
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
};

// Lines for a Source: "# HELP" and "# TYPE" once for a name, then its values.
void write_head(std::string& page, std::string_view name, std::string_view type, std::string_view help);
void write_value(std::string& page, std::string_view name, const std::string& labels, double value);

} // namespace berth::api::debug
