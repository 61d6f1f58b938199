// Answers: what is counted of requests when they are answered, and in which classes: docker/distribution 3's, where it
// has them. Threads: safe; a few relaxed increments.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

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
  // Moves what another with the same bounds has counted into this one.
  void take(Histogram& other) {
    for (std::size_t i = 0; i < counts_.size(); ++i)
      counts_[i].fetch_add(other.counts_[i].exchange(0, std::memory_order_relaxed), std::memory_order_relaxed);
    sum_.fetch_add(other.sum_.exchange(0, std::memory_order_relaxed), std::memory_order_relaxed);
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
inline constexpr std::array<double, 22> size_bounds = [] {
  std::array<double, 22> bounds{};
  double bound = 1024;
  for (double& next : bounds) {
    next = bound;
    bound *= 2;
  }
  return bounds;
}();

// What labels may hold; what is none of these is counted as the last.
inline constexpr std::array<std::string_view, 8> method_names{"GET",   "HEAD",   "PUT",     "POST",
                                                              "PATCH", "DELETE", "OPTIONS", "other"};
inline constexpr std::array<int, 32> status_codes{200, 201, 202, 204, 206, 301, 304, 307, 400, 401, 403,
                                                  404, 405, 408, 409, 410, 411, 412, 413, 414, 415, 416,
                                                  422, 429, 431, 500, 501, 502, 503, 504, 507, 0};

// The place of one in such a list; of what is not there, that of the last.
template <class T, std::size_t Count>
std::size_t index_of(const std::array<T, Count>& all, const T& one) {
  return std::min<std::size_t>(std::ranges::find(all, one) - all.begin(), Count - 1);
}

// The counts. They may lie in memory that processes share which were forked from one: nothing in them is a process's
// own, and what is taken is taken once.
struct Answers {
  static constexpr std::size_t methods = 8, statuses = 32;
  using Times = Histogram<second_bounds.size()>;
  static_assert(std::atomic<double>::is_always_lock_free && std::atomic<std::uint64_t>::is_always_lock_free);

  struct Answer {
    std::string_view method;
    int status = 0;
    std::uint64_t request_bytes = 0, response_bytes = 0;
    Seconds time{};
  };
  void add(const Answer& answer);
  // Moves what the other has counted into this one.
  void take(Answers& other);

  Times seconds[methods]{Times(second_bounds), Times(second_bounds), Times(second_bounds), Times(second_bounds),
                         Times(second_bounds), Times(second_bounds), Times(second_bounds), Times(second_bounds)};
  Histogram<size_bounds.size()> request_bytes{size_bounds}, response_bytes{size_bounds};
  std::array<std::array<std::atomic<std::uint64_t>, statuses>, methods> by_status{};
};

} // namespace berth::api::debug
