// Waiting: how a request waits for what takes long, by the example of a bcrypt that another request computes already:
// with its thread, or without one. Whoever serves requests sets takes_long and may_leave, and asks again for a request
// that has left once what it waits for is over; until then it costs no thread.
#pragma once

#include <atomic>
#include <functional>
#include <memory>

namespace berth {

// Something that ends once. Threads: safe. What was written before end() is seen by whoever has seen is_over().
class Awaited {
public:
  virtual ~Awaited() = default;
  bool is_over() const { return over_.load(std::memory_order_acquire); }
  void end() { over_.store(true, std::memory_order_release); }

private:
  std::atomic<bool> over_ = false;
};

struct Waiting {
  // Called by the request's own thread before it waits or computes for long, once or more; null: nobody has to know.
  std::function<void()> takes_long = nullptr;
  // Whether the request may leave instead of waiting for another one's work: `awaited` is set then, what comes back as
  // its result means nothing, and nothing may be kept or counted of it.
  bool may_leave = false;
  std::shared_ptr<const Awaited> awaited = nullptr;
  // What it has left for when it was asked before.
  std::shared_ptr<const Awaited> ended = nullptr;

  void will_take_long() const {
    if (takes_long) takes_long();
  }
};

} // namespace berth
