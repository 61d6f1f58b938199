#include "fcgi/admission.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "fcgi/exchange.h"

namespace berth::fcgi {
namespace {

// Two a core, and a few for those that wait for the disk.
constexpr unsigned quick_per_core = 2;
constexpr unsigned min_quick = 4;

} // namespace

Admission::Admission(unsigned long_bodies) : free_long_(std::max(long_bodies, 1U)) {
  ::sem_init(&quick_places_, 0, std::max(quick_per_core * std::thread::hardware_concurrency(), min_quick));
}

Admission::~Admission() { ::sem_destroy(&quick_places_); }

void Admission::take_quick_place() {
  while (::sem_wait(&quick_places_) != 0) {
  }
}

void Admission::give_quick_place() { ::sem_post(&quick_places_); }

std::unique_ptr<Exchange> Admission::begin_long(std::unique_ptr<Exchange> exchange) {
  const std::lock_guard lock(mutex_);
  if (free_long_ == 0) {
    waiting_.push_back(std::move(exchange));
    return nullptr;
  }
  --free_long_;
  return exchange;
}

std::unique_ptr<Exchange> Admission::end_long() {
  const std::lock_guard lock(mutex_);
  if (waiting_.empty()) {
    ++free_long_;
    return nullptr;
  }
  std::unique_ptr<Exchange> next = std::move(waiting_.front());
  waiting_.pop_front();
  return next;
}

std::unique_ptr<Exchange> Admission::leave(std::unique_ptr<Exchange> exchange) {
  const auto awaited = exchange->incoming.request.waiting.awaited;
  const std::lock_guard lock(mutex_);
  if (awaited->is_over()) return exchange; // whoever ended it may have asked for those who left already
  left_[awaited].push_back(std::move(exchange));
  left_for_ = left_.size();
  return nullptr;
}

std::unique_ptr<Exchange> Admission::take_back() {
  if (left_for_ == 0) return nullptr;
  const std::lock_guard lock(mutex_);
  const auto over = std::ranges::find_if(left_, [](const auto& left) { return left.first->is_over(); });
  if (over == left_.end()) return nullptr;
  std::unique_ptr<Exchange> next = std::move(over->second.front());
  over->second.pop_front();
  if (over->second.empty()) left_.erase(over);
  left_for_ = left_.size();
  return next;
}

} // namespace berth::fcgi
