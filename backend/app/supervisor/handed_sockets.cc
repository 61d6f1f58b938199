#include "app/supervisor/handed_sockets.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>

#include "base/content.h"
#include "config/address.h"

namespace berth::app {
namespace {

constexpr int first_handed_fd = 3;               // sd_listen_fds(3)
constexpr int lowest_own_fd = 32;                // above all that nginx is to know by number
constexpr const char* backlog = " backlog=4096"; // nginx listens again, with what it is told

// The address that a socket is bound to: of IPv4, or of IPv6, which may stand for both.
struct Bound {
  int family = AF_UNSPEC;
  in6_addr address{}; // of IPv4 the first four bytes
  int port = 0;
  bool both_families = false;

  bool is_any() const {
    return std::ranges::all_of(address.s6_addr, [](unsigned byte) { return byte == 0; });
  }
  bool is_same(const Bound& other) const {
    return family == other.family && std::memcmp(&address, &other.address, sizeof address) == 0;
  }
  std::string text() const {
    std::array<char, INET6_ADDRSTRLEN> buffer{};
    ::inet_ntop(family, &address, buffer.data(), buffer.size());
    const std::string host = buffer.data();
    return (family == AF_INET6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
  }
};

std::optional<Bound> bound_of(const sockaddr* address) {
  Bound bound{.family = address->sa_family};
  if (address->sa_family == AF_INET) {
    sockaddr_in its{};
    std::memcpy(&its, address, sizeof its);
    std::memcpy(&bound.address, &its.sin_addr, sizeof its.sin_addr);
    bound.port = ntohs(its.sin_port);
  } else if (address->sa_family == AF_INET6) {
    sockaddr_in6 its{};
    std::memcpy(&its, address, sizeof its);
    bound.address = its.sin6_addr;
    bound.port = ntohs(its.sin6_port);
  } else {
    return std::nullopt;
  }
  return bound;
}

std::optional<Bound> bound_of(int socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) != 0) return std::nullopt;
  auto bound = bound_of(reinterpret_cast<const sockaddr*>(&address));
  int alone = 1;
  size = sizeof alone;
  if (bound && bound->family == AF_INET6)
    bound->both_families = ::getsockopt(socket, IPPROTO_IPV6, IPV6_V6ONLY, &alone, &size) == 0 && alone == 0;
  return bound;
}

// Whether a connection can come in, and over TCP.
bool is_listening(int socket) {
  int listening = 0, type = 0;
  socklen_t size = sizeof listening;
  return ::getsockopt(socket, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) == 0 && listening != 0 &&
         ::getsockopt(socket, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM;
}

long number_in(const char* variable) {
  const char* text = std::getenv(variable);
  return text == nullptr ? 0 : std::strtol(text, nullptr, 10);
}

// The addresses of a host's name. Empty: every address.
Result<std::vector<Bound>> addresses_of(const std::string& host) {
  std::vector<Bound> addresses;
  addrinfo hints{}, *list = nullptr;
  hints.ai_socktype = SOCK_STREAM;
  if (const int error = ::getaddrinfo(host.c_str(), nullptr, &hints, &list); error != 0)
    return fail(Code::invalid, std::string("is no address: ") + ::gai_strerror(error));
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> found(list, &::freeaddrinfo);
  for (const addrinfo* one = found.get(); one != nullptr; one = one->ai_next)
    if (const auto bound = bound_of(one->ai_addr)) addresses.push_back(*bound);
  return addresses;
}

} // namespace

Result<HandedSockets> HandedSockets::take() {
  HandedSockets handed;
  const bool ours = number_in("LISTEN_PID") == ::getpid();
  const long count = ours ? number_in("LISTEN_FDS") : 0;
  const char* names = std::getenv("LISTEN_FDNAMES");
  const std::string named = names == nullptr ? "" : names;
  handed.unit_ = named.substr(0, named.find(':'));
  for (const char* variable : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"}) ::unsetenv(variable);
  if (count < 0 || count > static_cast<long>(most))
    return fail(Code::invalid, "LISTEN_FDS: at most " + std::to_string(most) + " sockets can be handed over");
  for (int fd = first_handed_fd; fd < first_handed_fd + count; ++fd) {
    const UniqueFd socket(fd);
    if (!is_listening(fd) || !bound_of(fd))
      return fail(Code::invalid, "LISTEN_FDS: descriptor " + std::to_string(fd) + " is no listening TCP socket");
    // nginx takes it that those it is given do not block: two of its workers that wake up for one connection would.
    const int flags = ::fcntl(fd, F_GETFL);
    if (flags < 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0)
      return std::unexpected(errno_error("fcntl", "a socket that was handed over", errno));
    handed.sockets_.emplace_back(::fcntl(fd, F_DUPFD_CLOEXEC, lowest_own_fd));
    if (!handed.sockets_.back()) return std::unexpected(errno_error("dup", "a socket that was handed over", errno));
  }
  return handed;
}

HandedSockets HandedSockets::of(const std::vector<int>& descriptors) {
  HandedSockets handed;
  for (const int fd : descriptors) handed.sockets_.emplace_back(fd);
  return handed;
}

std::vector<int> HandedSockets::descriptors() const {
  std::vector<int> descriptors;
  for (const UniqueFd& socket : sockets_) descriptors.push_back(socket.get());
  return descriptors;
}

Result<> HandedSockets::check(const std::string& http_addr) const {
  if (empty()) return {};
  const std::string key = "http.addr: \"" + http_addr + "\": ";
  const config::ListenAddress wanted = config::parse_listen_address(http_addr).value();
  std::vector<Bound> expected;
  if (!wanted.host.empty()) {
    const auto found = addresses_of(wanted.host);
    if (!found) return fail(Code::invalid, key + found.error().message);
    expected = *found;
  }
  for (const UniqueFd& socket : sockets_) {
    const Bound bound = bound_of(socket.get()).value();
    const bool here = wanted.host.empty()
                          ? bound.is_any()
                          : std::ranges::any_of(expected, [&](const Bound& one) { return one.is_same(bound); });
    const std::string unit = unit_.empty() ? "the socket unit" : unit_;
    if (bound.both_families) // nginx would see clients of IPv4 as IPv6, and all of them in one network
      return fail(Code::invalid,
                  key + unit + " of systemd listens on " + bound.text() +
                      " for IPv4 too: name both families in it, as ListenStream=0.0.0.0:" + std::to_string(bound.port) +
                      " and ListenStream=[::]:" + std::to_string(bound.port) + ", with BindIPv6Only=ipv6-only");
    if (bound.port == wanted.port && here) continue;
    return fail(Code::invalid, key + unit + " of systemd listens on " + bound.text() +
                                   ": set ListenStream= to the same address (systemctl edit " + unit +
                                   "), or do without it (systemctl mask --now " + unit + ")");
  }
  return {};
}

std::vector<std::string> HandedSockets::nginx_addresses() const {
  std::vector<std::string> addresses;
  for (const UniqueFd& socket : sockets_) {
    const Bound bound = bound_of(socket.get()).value();
    addresses.push_back(bound.text() + (bound.family == AF_INET6 ? " ipv6only=on" : "") + backlog);
  }
  return addresses;
}

void HandedSockets::hand_on() const {
  if (empty()) return;
  int fd = first_handed_fd;
  for (const UniqueFd& socket : sockets_) ::dup2(socket.get(), fd++);
  ::setenv("LISTEN_PID", std::to_string(::getpid()).c_str(), 1);
  ::setenv("LISTEN_FDS", std::to_string(sockets_.size()).c_str(), 1);
}

void HandedSockets::give_to_nginx(int first_fd) const {
  if (empty()) return;
  std::string numbers;
  for (const UniqueFd& socket : sockets_) {
    ::dup2(socket.get(), first_fd);
    numbers += std::to_string(first_fd++) + ";";
  }
  ::setenv("NGINX", numbers.c_str(), 1); // as nginx itself does for a new nginx that takes its place
}

} // namespace berth::app
