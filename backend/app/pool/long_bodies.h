// LongBodies: a handler before another that keeps requests with long bodies from taking every thread of the pool. To
// hash and to store gigabytes takes seconds; a question takes microseconds, and must find a thread meanwhile.
//
// So many long bodies are worked on at once as the pool shall work on requests (berth.threads); those beyond wait here,
// in the order they came, each on one of waiting_room threads that the pool has besides. What is long is known by its
// size: smaller bodies pass at once. So do layers of v1, which take turns of their own (storage/v1/unpacking.h).
// Threads: safe. Borrows: the handler.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>

#include "http/message.h"

namespace berth::app {

class LongBodies final : public http::Handler {
public:
  static constexpr std::uint64_t min_bytes = 8 << 20; // of a long body: some ten milliseconds
  static constexpr unsigned waiting_room = 48;        // a thread that waits costs little more than its stack

  LongBodies(http::Handler& handler, unsigned at_once) : handler_(handler), at_once_(at_once) {}

  http::Response handle(http::Request& request) override;
  http::Response refuse(const http::Request& request, const Error& why) override;

private:
  class Turn;

  http::Handler& handler_;
  const std::uint64_t at_once_;
  std::mutex mutex_;
  std::condition_variable ended_;
  std::uint64_t begun_ = 0; // how many came, each with its number, and how many are done: guarded by mutex_
  std::uint64_t done_ = 0;
};

} // namespace berth::app
