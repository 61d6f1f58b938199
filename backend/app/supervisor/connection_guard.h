// ConnectionGuard: ends connections that nginx cannot bound by itself: those of an address that has too many, which
// nginx counts only once a request's head is whole, and those on which a request comes too slowly, which nginx lets
// come for ever as long as there is a byte now and then (docs/decisions/0030). Threads: one.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "app/supervisor/tcp_connections.h"
#include "base/log.h"
#include "config/config.h"

namespace berth::app {

class ConnectionGuard {
public:
  using Steady = std::chrono::steady_clock;
  // A glance costs next to nothing and shows whether the host has many connections, or suddenly more: then a look is
  // due at once, and otherwise now and then.
  static constexpr std::chrono::milliseconds glance{100}, busy_look{500}, look{5000};
  static constexpr std::chrono::seconds patience{30}; // with what comes slowly

  // Those to end, by the limits, given what is there now. Of an address that has too many: those first that have been
  // quiet for the longest time. From half of `capacity` on all addresses have equal shares of that half.
  std::vector<ino_t> judge(const config::Config::Limits& limits, std::span<const TcpConnection> connections,
                           std::size_t capacity, Steady::time_point now);

  // Looks at nginx's connections if it is time to, and ends those. Where the kernel does not let it, it says so once
  // and looks no more.
  void look_if_due(const config::Config& config, pid_t nginx, Logger& logger);

  // A time to wait in milliseconds (-1: for ever), but not beyond the next glance.
  int at_most(int timeout) const;

private:
  struct Past {
    std::uint64_t received = 0, sent = 0;
    std::uint64_t before = 0;   // received before the request that comes now
    Steady::time_point since{}; // when that began; of a connection that is idle: now
    Steady::time_point moved{}; // when anything was received or sent
    unsigned looks = 0;         // at which something of it had come
    bool seen = false;
  };
  bool is_slow(Past& past, const TcpConnection& connection, unsigned slowest, Steady::time_point now);

  std::map<std::uint64_t, Past> past_; // by cookie
  bool is_due(Steady::time_point now);

  Steady::time_point next_{}; // glance
  Steady::time_point looked_{};
  std::size_t seen_ = 0; // connections of the host, at the last look
  bool works_ = true;
};

} // namespace berth::app
