#include "app/supervisor/connection_guard.h"

#include <algorithm>
#include <thread>

#include "app/supervisor/account.h"
#include "app/supervisor/process.h"
#include "config/address.h"

namespace berth::app {
namespace {

using Connection = TcpConnection;

// A request that came in fewer looks than this came at once, and waits for its answer.
constexpr unsigned min_looks = 3;
constexpr std::size_t least_share = 16; // connections that an address may have, however many addresses there are
constexpr std::size_t worker_connections = 4096; // as nginx.conf says
constexpr std::size_t descriptors_each = 2;      // of a connection in nginx: the client, and a file or the pool

// Whom a limit counts as one: an address, or a /64 of IPv6.
config::IpAddress counted_as(config::IpAddress address) {
  static const config::Network v4 = config::parse_network("::ffff:0:0/96").value();
  if (!v4.holds(address)) std::fill(address.begin() + 8, address.end(), 0);
  return address;
}

} // namespace

bool ConnectionGuard::is_slow(Past& past, const Connection& connection, unsigned slowest, Steady::time_point now) {
  const bool came = connection.received != past.received, went = connection.sent != past.sent;
  past.received = connection.received;
  past.sent = connection.sent;
  if (came || went) past.moved = now;
  if (went || connection.received == past.before) { // answered, or idle
    past.before = connection.received;
    past.since = now;
    past.looks = 0;
    return false;
  }
  if (!came) return false; // complete perhaps: how long a body may rest is nginx's
  ++past.looks;
  const std::chrono::duration<double> age = now - past.since;
  return slowest > 0 && age >= patience && past.looks >= min_looks &&
         static_cast<double>(past.received - past.before) < slowest * age.count();
}

std::vector<ino_t> ConnectionGuard::judge(const config::Config::Limits& limits, std::span<const Connection> connections,
                                          std::size_t capacity, Steady::time_point now) {
  std::vector<config::Network> exempt;
  for (const std::string& text : limits.exempt)
    if (const auto network = config::parse_network(text)) exempt.push_back(*network);
  struct Held {
    Steady::time_point moved;
    ino_t inode;
  };
  std::map<config::IpAddress, std::vector<Held>> by_client;
  std::vector<ino_t> condemned;
  for (auto& [cookie, past] : past_) past.seen = false;
  for (const Connection& connection : connections) {
    if (std::ranges::any_of(exempt, [&](const auto& network) { return network.holds(connection.client); })) continue;
    const auto [at, fresh] = past_.try_emplace(connection.cookie, Past{.since = now, .moved = now});
    at->second.seen = true;
    if (is_slow(at->second, connection, limits.slowest, now))
      condemned.push_back(connection.inode);
    else
      by_client[counted_as(connection.client)].push_back({at->second.moved, connection.inode});
  }
  std::erase_if(past_, [](const auto& entry) { return !entry.second.seen; });

  std::size_t bound = limits.connections == 0 ? connections.size() : limits.connections;
  if (limits.connections > 0 && connections.size() > capacity / 2 && !by_client.empty())
    bound = std::min(bound, std::max(least_share, capacity / 2 / by_client.size()));
  for (auto& [client, held] : by_client) {
    if (held.size() <= bound) continue;
    const auto beyond = held.begin() + static_cast<std::ptrdiff_t>(held.size() - bound);
    std::ranges::nth_element(held, beyond, {}, &Held::moved);
    std::transform(held.begin(), beyond, std::back_inserter(condemned), [](const Held& one) { return one.inode; });
  }
  return condemned;
}

bool ConnectionGuard::is_due(Steady::time_point now) {
  constexpr std::size_t many = 512;
  const std::size_t count = tcp_sockets();
  const bool grew = count > seen_ + many / 2;
  if (now < looked_ + look && (count < many || (!grew && now < looked_ + busy_look))) return false;
  looked_ = now;
  seen_ = count;
  return true;
}

void ConnectionGuard::look_if_due(const config::Config& config, pid_t nginx, Logger& logger) {
  const auto now = Steady::now();
  const config::Config::Limits& limits = config.berth.limits;
  if (now < next_) return;
  next_ = now + glance;
  if (!works_ || nginx <= 0 || (limits.connections == 0 && limits.slowest == 0) || !is_due(now)) return;
  const auto give_up = [&](const Error& error) {
    works_ = false;
    logger.warn("berth.limits.connections and berth.limits.slowest do not work here: " + error.message);
  };
  const auto connections = connections_to(config::parse_listen_address(config.http.addr).value().port);
  if (!connections) return give_up(connections.error());
  const std::size_t capacity = worker_connections * std::max(1U, std::thread::hardware_concurrency());
  const auto condemned = judge(limits, *connections, capacity / descriptors_each, now);
  if (condemned.empty()) return;
  const AsRoot reads_descriptors;
  const auto ended = shut_down(condemned, children_of(nginx));
  if (!ended) return give_up(ended.error());
  if (*ended > 0)
    logger.warn("connections were ended that were too many of one address, or too slow",
                {{"connections", std::to_string(*ended)}});
}

int ConnectionGuard::at_most(int timeout) const {
  if (!works_) return timeout;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(next_ - Steady::now()).count();
  const int wait = static_cast<int>(std::clamp<long>(left, 0, glance.count()));
  return timeout < 0 ? wait : std::min(timeout, wait);
}

} // namespace berth::app
