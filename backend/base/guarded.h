// Guarded<T>: a value that can only be touched while its mutex is held.
// Threads: safe. Hold it for memory work only, never across I/O.
#pragma once

#include <mutex>
#include <utility>

namespace berth {

template <class T>
class Guarded {
public:
  Guarded() = default;
  explicit Guarded(T value) : value_(std::move(value)) {}

  // Calls use(value) under the lock and returns what it returns.
  template <class Use>
  decltype(auto) with(Use&& use) {
    std::lock_guard lock(mutex_);
    return std::forward<Use>(use)(value_);
  }

private:
  std::mutex mutex_;
  T value_{};
};

} // namespace berth
