// Periodic: a thread that does a task again and again, until it is destroyed. The last member of its owner, as the task
// uses the others.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>

namespace berth {

class Periodic {
public:
  using Pause = std::chrono::nanoseconds;
  // Returns how long to wait until the next time. A task that takes long ends early when stop is requested.
  // Threads: called from the one thread, in which all signals are blocked.
  using Task = std::function<Pause(const std::stop_token& stop)>;

  Periodic(Pause first, Task task);
  // Ends the waiting, asks a task in progress to stop, and waits for it.
  ~Periodic() = default;
  Periodic(const Periodic&) = delete;

private:
  void run(const std::stop_token& stop, Pause pause);

  const Task task_;
  std::mutex mutex_;
  std::condition_variable_any stopped_;
  std::jthread thread_; // the last member: it uses the others
};

} // namespace berth
