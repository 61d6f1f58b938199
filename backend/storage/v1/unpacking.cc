#include "storage/v1/unpacking.h"

#include <time.h>

#include <algorithm>
#include <thread>
#include <tuple>
#include <utility>

namespace berth::storage {
namespace {

// How long a task that waits does not look whether its client is there.
constexpr std::chrono::milliseconds look_interval{200};
// From here on all tasks are alike, and take turns: or a large layer would wait for all that come after it.
constexpr Unpacking::Cost much = std::chrono::seconds(5);

Unpacking::Cost processor_time() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

std::unexpected<Error> too_many() {
  return fail(Code::unavailable, "The registry unpacks too many layers at the moment, retry later");
}

} // namespace

Unpacking::Unpacking(Limits limits)
    : limits_(limits),
      free_turns_(limits.at_once > 0 ? limits.at_once : std::max(std::thread::hardware_concurrency() / 2, 1U)) {}

Unpacking::~Unpacking() = default;

std::uint64_t Unpacking::max_plain_bytes(std::uint64_t packed_bytes) const {
  const std::uint64_t by_ratio = packed_bytes > UINT64_MAX / max_ratio ? UINT64_MAX : packed_bytes * max_ratio;
  return std::min(limits_.max_layer_bytes, std::max(free_bytes, by_ratio));
}

Result<std::unique_ptr<Unpacking::Task>> Unpacking::begin(IsGone is_gone) {
  auto task = std::make_unique<Task>(*this, std::move(is_gone));
  const std::lock_guard lock(mutex_);
  const auto stays = [](const Task* one) { return !one->displaced_; };
  if (std::ranges::count_if(tasks_, stays) >= max_tasks) {
    const auto used = [](const Task* one) { return one->displaced_ ? Cost(-1) : one->used_; };
    Task& costliest = **std::ranges::max_element(tasks_, {}, used);
    if (costliest.used_ == Cost()) return too_many();
    costliest.displaced_ = true;
    costliest.granted_.notify_one();
  }
  tasks_.push_back(task.get());
  return task;
}

// Requires of both: mutex_ is held.
void Unpacking::give_turns() {
  const auto waits = [](const Task* task) { return task->wish_ == Task::Wish::turn; };
  const auto rank = [&](const Task* task) {
    return std::tuple(!waits(task), std::min(task->used_, much), task->last_served_);
  };
  for (; free_turns_ > 0 && !tasks_.empty(); --free_turns_) {
    Task& next = **std::ranges::min_element(tasks_, {}, rank);
    if (!waits(&next)) return;
    next.wish_ = Task::Wish::nothing;
    next.runs_ = true;
    next.last_served_ = ++served_;
    next.granted_.notify_one();
  }
}

// In the order they came, of each kind.
void Unpacking::give_memory() {
  const auto grant = [](Task& task) {
    task.wish_ = Task::Wish::nothing;
    task.granted_.notify_one();
  };
  for (Task* task : tasks_) {
    if (task->wish_ != Task::Wish::large || !large_is_free_) continue;
    large_is_free_ = false;
    task->large_ = true;
    free_small_ += std::exchange(task->small_, 0);
    grant(*task);
  }
  for (Task* task : tasks_) {
    if (task->wish_ != Task::Wish::small) continue;
    if (task->wanted_ > free_small_) return;
    free_small_ -= task->wanted_;
    task->small_ = task->wanted_;
    grant(*task);
  }
}

Unpacking::Task::~Task() {
  rest();
  const std::lock_guard lock(all_.mutex_);
  all_.tasks_.remove(this);
}

// Requires: the mutex is held.
void Unpacking::Task::stop_running() {
  if (!std::exchange(runs_, false)) return;
  used_ += std::max(processor_time() - slice_began_, Cost(1));
  ++all_.free_turns_;
}

void Unpacking::Task::rest() {
  const std::lock_guard lock(all_.mutex_);
  stop_running();
  all_.give_turns();
  all_.free_small_ += std::exchange(small_, 0);
  all_.free_kept_ += std::exchange(kept_, 0);
  if (std::exchange(large_, false)) all_.large_is_free_ = true;
  all_.give_memory();
}

Result<> Unpacking::Task::wait_for(Wish wish) {
  std::unique_lock lock(all_.mutex_);
  wish_ = wish;
  if (wish == Wish::turn)
    all_.give_turns();
  else
    all_.give_memory();
  bool is_gone = false;
  while (wish_ != Wish::nothing && !displaced_ && !is_gone) {
    if (granted_.wait_for(lock, look_interval) != std::cv_status::timeout || !is_gone_) continue;
    lock.unlock(); // other threads change this task's wish only to grant it
    is_gone = is_gone_();
    lock.lock();
  }
  if (std::exchange(wish_, Wish::nothing) == Wish::nothing && !displaced_) return {};
  stop_running(); // it may have been granted the turn just now
  all_.give_turns();
  if (displaced_) return too_many();
  return fail(Code::unavailable, "The client has left");
}

Result<> Unpacking::Task::go_on() {
  if (runs_ && processor_time() - slice_began_ < all_.limits_.slice) return {};
  if (is_gone_ && is_gone_()) return fail(Code::unavailable, "The client has left");
  {
    const std::lock_guard lock(all_.mutex_);
    stop_running();
  }
  BERTH_CHECK(wait_for(Wish::turn));
  slice_began_ = processor_time();
  return {};
}

Result<> Unpacking::Task::need(std::size_t bytes) {
  Wish wish = Wish::nothing;
  {
    const std::lock_guard lock(all_.mutex_);
    if (large_ || bytes <= small_) return {};
    stop_running(); // who waits for memory must not keep those from running who have it
    all_.give_turns();
    wish = bytes <= max_small_need && small_ == 0 ? Wish::small : Wish::large;
    wanted_ = bytes;
  }
  return wait_for(wish);
}

bool Unpacking::Task::keep(std::size_t bytes) {
  const std::lock_guard lock(all_.mutex_);
  if (bytes > all_.free_kept_) return false;
  all_.free_kept_ -= bytes;
  kept_ += bytes;
  return true;
}

} // namespace berth::storage
