#include "base/periodic.h"

#include <utility>

#include "base/signals_blocked.h"

namespace berth {

Periodic::Periodic(Pause first, Task task) : task_(std::move(task)) {
  const SignalsBlocked blocked;
  thread_ = std::jthread([this, first](const std::stop_token& stop) { run(stop, first); });
}

void Periodic::run(const std::stop_token& stop, Pause pause) {
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      stopped_.wait_for(lock, stop, pause, [] { return false; });
    }
    if (stop.stop_requested()) return;
    pause = task_(stop);
  }
}

} // namespace berth
