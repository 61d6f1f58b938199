#include "app/supervisor/listen_check.h"

#include <arpa/inet.h>
#include <catch2/catch.hpp>
#include <sys/socket.h>

#include "base/unique_fd.h"

namespace berth::app {
namespace {

config::Config listening_on(const std::string& addr) {
  config::Config config;
  config.http.addr = addr;
  return config;
}

TEST_CASE("an address is in use where somebody listens, and not where nobody can") {
  const UniqueFd other(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  socklen_t size = sizeof address;
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(::bind(other.get(), reinterpret_cast<sockaddr*>(&address), size) == 0);
  REQUIRE(::listen(other.get(), 1) == 0);
  REQUIRE(::getsockname(other.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
  const config::Config taken = listening_on("127.0.0.1:" + std::to_string(ntohs(address.sin_port)));
  CHECK(is_in_use(taken));
  CHECK(may_listen(taken, PublicPort::own)); // it may be this very registry

  const config::Config nowhere = listening_on("192.0.2.1:5000"); // of documentation: no host has it
  CHECK_FALSE(is_in_use(nowhere));
  CHECK_FALSE(may_listen(nowhere, PublicPort::own));
}

} // namespace
} // namespace berth::app
