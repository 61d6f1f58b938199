#include "app/supervisor/listen_check.h"

#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "config/address.h"

namespace berth::app {
namespace {

// The errno of each bind to what addr stands for, 0 where it worked. Nothing listens. Errors: invalid, why that cannot
// be tried.
Result<std::vector<int>> bind_errors(const std::string& addr) {
  const config::ListenAddress address = config::parse_listen_address(addr).value();
  addrinfo hints{};
  hints.ai_flags = AI_PASSIVE;
  hints.ai_socktype = SOCK_STREAM;
  if (address.host.empty()) hints.ai_family = AF_INET; // IPv6 may be off
  addrinfo* list = nullptr;
  const int error = ::getaddrinfo(address.host.empty() ? nullptr : address.host.c_str(),
                                  std::to_string(address.port).c_str(), &hints, &list);
  if (error != 0) return fail(Code::invalid, std::string("is no address: ") + ::gai_strerror(error));
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> found(list, &::freeaddrinfo);
  std::vector<int> errors;
  for (const addrinfo* one = found.get(); one != nullptr; one = one->ai_next) {
    const UniqueFd socket(::socket(one->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const int on = 1;
    if (!socket) return fail(Code::invalid, std::string("socket: ") + std::strerror(errno));
    ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    errors.push_back(::bind(socket.get(), one->ai_addr, one->ai_addrlen) == 0 ? 0 : errno);
  }
  return errors;
}

Result<> may_bind(const std::string& key, const std::string& addr) {
  const auto refuse = [&](const std::string& why) { return fail(Code::invalid, key + ": \"" + addr + "\": " + why); };
  const auto errors = bind_errors(addr);
  if (!errors) return refuse(errors.error().message);
  for (const int error : *errors)
    if (error != 0 && error != EADDRINUSE)
      return refuse(std::string("nginx cannot listen there: ") + std::strerror(error));
  return {};
}

} // namespace

Result<> may_listen(const config::Config& config, PublicPort port) {
  if (port == PublicPort::own) BERTH_CHECK(may_bind("http.addr", config.http.addr));
  return config.http.debug.addr.empty() ? Result<>() : may_bind("http.debug.addr", config.http.debug.addr);
}

bool is_in_use(const config::Config& config) {
  const auto errors = bind_errors(config.http.addr);
  return errors && std::ranges::find(*errors, EADDRINUSE) != errors->end();
}

std::string in_use(const config::Config& config) {
  const std::string port = std::to_string(config::parse_listen_address(config.http.addr)->port);
  return "http.addr: \"" + config.http.addr + "\": another program listens there already: `ss -ltnp 'sport = :" + port +
         "'` says which (as root), or name another port";
}

} // namespace berth::app
