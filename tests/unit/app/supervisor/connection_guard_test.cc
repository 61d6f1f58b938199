#include <catch2/catch.hpp>

#include <algorithm>
#include <string>

#include "app/supervisor/connection_guard.h"

using namespace berth;
using namespace std::chrono_literals;
using app::ConnectionGuard;
using app::TcpConnection;

namespace {

constexpr std::size_t plenty = 100'000;
const auto start = ConnectionGuard::Steady::time_point{} + 1h;

// One whose inode and cookie are `number`.
TcpConnection connection(const char* client, unsigned number, std::uint64_t received = 0, std::uint64_t sent = 0) {
  return {config::parse_ip(client).value(), number, number, received, sent};
}

config::Config::Limits limits_of(unsigned connections, unsigned slowest) {
  config::Config::Limits limits;
  limits.connections = connections;
  limits.slowest = slowest;
  return limits;
}

} // namespace

TEST_CASE("of an address that has too many connections those go that were quiet for the longest time") {
  ConnectionGuard guard;
  const auto limits = limits_of(2, 0);
  std::vector<TcpConnection> held{connection("192.0.2.1", 1), connection("192.0.2.1", 2), connection("192.0.2.2", 3)};
  CHECK(guard.judge(limits, held, plenty, start).empty());
  held[0].received = 10;
  CHECK(guard.judge(limits, held, plenty, start + 1s).empty());
  held.push_back(connection("192.0.2.1", 4));
  CHECK(guard.judge(limits, held, plenty, start + 2s) == std::vector<ino_t>{2});
  CHECK(guard.judge(limits_of(0, 0), held, plenty, start + 3s).empty());
}

TEST_CASE("a /64 of IPv6 counts as one address, and an exempt network not at all") {
  ConnectionGuard guard;
  auto limits = limits_of(1, 0);
  const std::vector<TcpConnection> held{connection("2001:db8::1", 1), connection("2001:db8::2", 2),
                                        connection("2001:db8:0:1::1", 3)};
  CHECK(guard.judge(limits, held, plenty, start).size() == 1);
  limits.exempt = {"2001:db8::/32"};
  CHECK(guard.judge(limits, held, plenty, start).empty());
}

TEST_CASE("when connections are short all addresses have equal shares") {
  ConnectionGuard guard;
  std::vector<TcpConnection> held;
  for (unsigned number = 1; number <= 100; ++number) held.push_back(connection("192.0.2.1", number));
  held.push_back(connection("192.0.2.2", 101));
  CHECK(guard.judge(limits_of(1000, 0), held, 300, start).empty());
  const auto ended = guard.judge(limits_of(1000, 0), held, 100, start);
  CHECK(ended.size() == 75); // 50 are shared by two
  CHECK(std::ranges::find(ended, ino_t{101}) == ended.end());
  CHECK(guard.judge(limits_of(1000, 0), held, 2, start).size() == 84); // 16 are anybody's
}

TEST_CASE("what comes a byte at a time is ended after half a minute, and nothing else is") {
  ConnectionGuard guard;
  const auto limits = limits_of(1000, 512);
  enum { dripping = 1, waiting, idle, pulling, fast, answered };
  std::vector<TcpConnection> held;
  for (unsigned number = dripping; number <= answered; ++number)
    held.push_back(connection("192.0.2.1", number, 300, number == idle ? 200 : 0));
  std::vector<ino_t> ended;
  for (unsigned second = 0; second <= 60 && ended.empty(); ++second) {
    ended = guard.judge(limits, held, plenty, start + second * 1s);
    INFO(second);
    CHECK((ended.empty() || second >= 30));
    held[dripping - 1].received += 2;
    held[pulling - 1].sent += 10;
    held[fast - 1].received += 600;
    held[answered - 1].received += 2;
    held[answered - 1].sent += second % 10 == 0 ? 100 : 0;
  }
  CHECK(ended == std::vector<ino_t>{dripping});
}
