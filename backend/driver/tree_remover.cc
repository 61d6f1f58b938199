#include "driver/tree_remover.h"

#include <filesystem>
#include <system_error>
#include <utility>

#include "base/signals_blocked.h"

namespace berth::driver {

TreeRemover::~TreeRemover() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void TreeRemover::add(std::string path) {
  const std::lock_guard lock(mutex_);
  if (waiting_.size() == max_waiting) return;
  waiting_.push_back(std::move(path));
  if (!thread_.joinable()) {
    const SignalsBlocked blocked; // they are for the thread that waits for them
    thread_ = std::thread([this] { run(); });
  }
  changed_.notify_one();
}

void TreeRemover::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    if (stopping_) return;
    const std::string next = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    std::error_code ignored;
    std::filesystem::remove_all(next, ignored);
    lock.lock();
  }
}

} // namespace berth::driver
