// Admission: which requests the pool works on at once, by what they cost (http::Cost) and by the size of their body. To
// hash and to store gigabytes takes seconds; a question takes microseconds, and must find a thread and a core
// meanwhile.
//
// - Quick requests, and the threads that wait for the next one, share a few places: with a thread for each request,
//   every question would wake another one, and pay for the switch more than for the answer. A thread whose request
//   turns out to be anything else gives its place away.
// - Of requests with a long body, so many are worked on at once as the pool shall work on requests (berth.threads).
//   Those beyond wait in the order they came. They hold their connection and their body's file, and no thread: the
//   thread that ends a long body goes on with the next one.
// - A request that waits for the work of another one (base/waiting.h) holds no thread either: the next thread that has
//   answered anything goes on with it once that work is done, at the latest the thread that did it.
// - Requests that unpack take turns by what they use (storage/v1/unpacking.h), and are not held up here.
// - All others are worked on as long as there are threads.
// Threads: safe.
#pragma once

#include <semaphore.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>

#include "base/waiting.h"
#include "http/message.h"

namespace berth::fcgi {

inline constexpr std::uint64_t long_body_bytes = 8 << 20; // some ten milliseconds of work

class Exchange; // a request with its connection (server.cc)

class Admission {
public:
  explicit Admission(unsigned long_bodies);
  ~Admission();
  Admission(const Admission&) = delete;

  // Waits until there is one.
  void take_quick_place();
  void give_quick_place();

  // Whether a request is one of those that may have to wait.
  static bool is_long(http::Cost cost, std::uint64_t body_bytes) {
    return cost != http::Cost::unpacks && body_bytes >= long_body_bytes;
  }
  // The exchange itself: the caller works on it now, and calls end_long() when it is done. Null: it waits here.
  std::unique_ptr<Exchange> begin_long(std::unique_ptr<Exchange> exchange);
  // The exchange that has waited longest, for the caller to work on it as after begin_long; null if none waits.
  std::unique_ptr<Exchange> end_long();

  // The exchange itself if what it awaits is over by now. Null: it waits here.
  std::unique_ptr<Exchange> leave(std::unique_ptr<Exchange> exchange);
  // One that waits no longer, for the caller to work on; null if there is none. Cheap if none has left. Requires: is
  // called after each answer until it returns null, or whoever waits for the caller's own work would wait for ever.
  std::unique_ptr<Exchange> take_back();

private:
  sem_t quick_places_;
  std::mutex mutex_; // guards what follows
  unsigned free_long_;
  std::deque<std::unique_ptr<Exchange>> waiting_; // with long bodies
  // Those that have left, by what they await: few things, at most as many as there are threads.
  std::map<std::shared_ptr<const Awaited>, std::deque<std::unique_ptr<Exchange>>> left_;
  std::atomic<std::size_t> left_for_ = 0; // left_.size()
};

} // namespace berth::fcgi
