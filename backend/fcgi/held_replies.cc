#include "fcgi/held_replies.h"

#include <utility>

#include "base/signals_blocked.h"
#include "fcgi/exchange.h"

namespace berth::fcgi {

HeldReplies::HeldReplies(Finish finish) : finish_(std::move(finish)) {
  const SignalsBlocked blocked;
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

HeldReplies::~HeldReplies() { stop(); }

void HeldReplies::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  if (!thread_.joinable()) return;
  thread_.request_stop();
  thread_.join();
}

std::unique_ptr<Exchange> HeldReplies::hold(std::unique_ptr<Exchange> exchange, bool keep) {
  const std::lock_guard lock(mutex_);
  if (stopped_ || held_.size() >= max_held_replies) return exchange;
  held_.push_back({std::chrono::steady_clock::now() + held_for, std::move(exchange), keep});
  if (held_.size() == 1) changed_.notify_one();
  return nullptr;
}

void HeldReplies::run(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, stop, [this] { return !held_.empty(); });
    if (held_.empty()) return; // there is nothing left, and nothing more to come
    const auto due = held_.front().due;
    changed_.wait_until(lock, stop, due, [due] { return std::chrono::steady_clock::now() >= due; });
    Held next = std::move(held_.front());
    held_.pop_front();
    lock.unlock();
    const bool sent = next.exchange->put(next.exchange->held_reply);
    finish_(*next.exchange, sent && next.keep);
    lock.lock();
  }
}

} // namespace berth::fcgi
