// HeldReplies: replies that are ready, and sent a second later (http::Response::is_held). Who is refused because he
// asks too often and asks again at once would otherwise take the processor from everybody else, refusal by refusal.
// What is held costs its connection and some memory, and no thread; so only so many are held, and the others are sent
// at once. Threads: safe.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <thread>

namespace berth::fcgi {

class Exchange;

inline constexpr std::size_t max_held_replies = 256;
inline constexpr std::chrono::seconds held_for{1};

class HeldReplies {
public:
  // Called with each exchange once its reply was sent, and whether its connection can be kept.
  using Finish = std::function<void(Exchange& exchange, bool keep)>;

  explicit HeldReplies(Finish finish);
  ~HeldReplies();
  HeldReplies(const HeldReplies&) = delete;

  // Sends all that is held; from then on nothing is.
  void stop();

  // Takes the exchange with its held_reply, or returns it: if enough are held already, or after stop().
  std::unique_ptr<Exchange> hold(std::unique_ptr<Exchange> exchange, bool keep);

private:
  struct Held {
    std::chrono::steady_clock::time_point due;
    std::unique_ptr<Exchange> exchange;
    bool keep;
  };

  void run(const std::stop_token& stop);

  const Finish finish_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<Held> held_; // in the order they are due
  bool stopped_ = false;
  std::jthread thread_; // the last member: it uses the others
};

} // namespace berth::fcgi
