// Handshakes: why TLS connections to nginx fail, of its lines at level info, in words, and not more often than somebody
// reads: a stranger can make them fail as often as he likes.
// Threads: none of its own.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace berth::app {

struct FailedHandshake {
  std::string client; // its address
  std::string reason;
};

// What a line of nginx, without its date, says of one. Nothing for any other line, nor for a client that merely went
// away, as whoever looks whether the port is open does.
std::optional<FailedHandshake> read_handshake(std::string_view message);

// Which of them are told: the first of a client with a reason in each minute, and max_told in all.
class Handshakes {
public:
  using Steady = std::chrono::steady_clock;
  static constexpr std::chrono::minutes window{1};
  static constexpr std::size_t max_told = 20;

  bool is_told(const FailedHandshake& failed, Steady::time_point now);
  // How many were not told in windows that are over; once.
  std::size_t take_untold(Steady::time_point now);

private:
  void begin_window(Steady::time_point now);

  std::set<std::string> told_;
  std::size_t untold_ = 0, untold_before_ = 0;
  std::optional<Steady::time_point> begun_;
};

} // namespace berth::app
