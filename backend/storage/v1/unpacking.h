// Unpacking: what the unpacking of layers, and packing them again, may take of the pool. What it costs does not follow
// from what was sent: a few hundred kilobytes may become terabytes, and a header may ask for gigabytes of memory.
//
// Every request that unpacks is a Task. Few tasks run at once; who runs is decided anew after each slice of processor
// time, for the one that has used least, so that a small layer is not behind large ones. Memory that a decoder asks for
// is taken out of one budget, and who does not fit waits. A task whose client has left ends.
// Threads: Unpacking is safe; a Task belongs to one thread.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <utility>

#include "base/is_gone.h"
#include "base/result.h"

namespace berth::storage {

class Unpacking {
public:
  using Cost = std::chrono::nanoseconds; // of a thread's processor time

  struct Limits {
    std::uint64_t max_layer_bytes = std::uint64_t{16} << 30; // that a layer may become
    unsigned at_once = 0;                                    // tasks that run; 0: half as many as there are processors
    Cost slice = std::chrono::milliseconds(20);
  };

  // Tasks in hand, running or waiting: each holds a thread of the pool. One more takes the place of the one that has
  // used most.
  static constexpr unsigned max_tasks = 64;
  // A layer may become so many times what was sent, or `free_bytes`: gzip cannot do better than 1032, and what it can
  // carry an honest client may send.
  static constexpr std::uint64_t max_ratio = 1100;
  static constexpr std::uint64_t free_bytes = 256 << 20;

  // The budget of memory. Small needs share one part of it; of the large ones only one is met at a time.
  static constexpr std::size_t max_small_need = 20 << 20;
  static constexpr std::size_t all_small_needs = 40 << 20;
  static constexpr std::size_t max_large_need = 80 << 20;
  // The memory that tasks may keep beyond that while some is free: the sums of a layer's files.
  static constexpr std::size_t all_kept_bytes = 16 << 20;

  class Task;

  explicit Unpacking(Limits limits);
  ~Unpacking();
  Unpacking(const Unpacking&) = delete;

  // Errors: unavailable if there are too many tasks.
  Result<std::unique_ptr<Task>> begin(IsGone is_gone);

  // The most bytes that a layer of this size may unpack to.
  std::uint64_t max_plain_bytes(std::uint64_t packed_bytes) const;
  const Limits& limits() const { return limits_; }

private:
  void give_turns();
  void give_memory();

  const Limits limits_;
  std::mutex mutex_;       // guards what follows, and what tasks say of themselves
  std::list<Task*> tasks_; // in the order they came
  unsigned free_turns_;
  std::uint64_t served_ = 0; // turns that were given
  std::size_t free_small_ = all_small_needs;
  bool large_is_free_ = true;
  std::size_t free_kept_ = all_kept_bytes;
};

class Unpacking::Task {
public:
  Task(Unpacking& all, IsGone is_gone) : all_(all), is_gone_(std::move(is_gone)) {}
  ~Task();
  Task(const Task&) = delete;

  // Called between pieces of work, each some milliseconds at most: returns when the task may go on.
  // Errors: unavailable if its client has left, or another task has its place.
  Result<> go_on();
  // Waits until the task has so much memory, all in all. A second need is a large one.
  // Errors: those of go_on. Requires: bytes <= max_large_need.
  Result<> need(std::size_t bytes);
  // As much memory again if there is some, without waiting.
  bool keep(std::size_t bytes);
  // Lets others have the turn and the memory. Nothing may be held meanwhile that others wait for.
  void rest();

  const Unpacking& all() const { return all_; }

private:
  friend class Unpacking;
  enum class Wish { nothing, turn, small, large };

  Result<> wait_for(Wish wish);
  void stop_running();

  Unpacking& all_;
  const IsGone is_gone_;
  Cost slice_began_{}; // on the thread's own clock
  // Guarded by all_.mutex_.
  std::condition_variable granted_;
  Wish wish_ = Wish::nothing;
  bool runs_ = false;
  bool displaced_ = false;
  Cost used_{};
  std::uint64_t last_served_ = 0;
  std::size_t wanted_ = 0, small_ = 0, kept_ = 0; // bytes
  bool large_ = false;
};

} // namespace berth::storage
