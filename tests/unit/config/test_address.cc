#include <catch2/catch.hpp>

#include "config/address.h"
#include "config/network.h"

namespace berth::config {
namespace {

TEST_CASE("addresses that nginx can listen on") {
  const auto [text, host, port] = GENERATE(table<std::string, std::string, int>({
      {":5000", "", 5000},
      {"host:5000", "host", 5000},
      {"registry.example.com:443", "registry.example.com", 443},
      {"0.0.0.0:5000", "", 5000},
      {"127.0.0.1:1", "127.0.0.1", 1},
      {"[::1]:65535", "::1", 65535},
      {"[::]:5000", "", 5000},
      {"[0:0::0]:5000", "", 5000},
      {"[::ffff:0.0.0.0]:5000", "", 5000},
      {"[::ffff:127.0.0.1]:5000", "127.0.0.1", 5000},
      {"[127.0.0.1]:5000", "127.0.0.1", 5000},
      {":https", "", 443},
      {"127.0.0.1:http", "127.0.0.1", 80},
      {":+05000", "", 5000},
  }));
  CAPTURE(text);
  const auto address = parse_listen_address(text);
  REQUIRE(address);
  CHECK(address->host == host);
  CHECK(address->port == port);
}

TEST_CASE("what is no address") {
  const std::string text = GENERATE("", ":", "5000", "host", "host:", ":0", ":65536", ":-1", ":++5", ": 5000", ":5000 ",
                                    ":gopher", "::1:5000", "[::1:5000", "[::1]", "[]:5000", "[::g]:5000", "a b:5000",
                                    "a;b:5000", "a\n:5000", "-x:5000", ".x:5000", "unix:/run/x", "http://host:5000",
                                    "user@host:5000", "h\"st:5000", "$h:5000", ":5000;listen 1");
  CAPTURE(text);
  const auto address = parse_listen_address(text);
  REQUIRE(!address);
  CHECK(address.error().code == Code::invalid);
  CHECK(address.error().message.starts_with("[host]:port with a port from 1 to 65535"));
}

TEST_CASE("networks hold the addresses that begin as they do") {
  const auto holds = [](const char* network, const char* address) {
    return parse_network(network).value().holds(parse_ip(address).value());
  };
  CHECK(holds("10.0.0.0/8", "10.255.0.1"));
  CHECK_FALSE(holds("10.0.0.0/8", "11.0.0.1"));
  CHECK(holds("192.0.2.1", "192.0.2.1"));
  CHECK(holds("10.0.0.0/8", "::ffff:10.0.0.1"));
  CHECK(holds("0.0.0.0/0", "192.0.2.1"));
  CHECK_FALSE(holds("0.0.0.0/0", "2001:db8::1"));
  CHECK(holds("2001:db8::/33", "2001:db8:7fff::1"));
  CHECK_FALSE(holds("2001:db8::/33", "2001:db8:8000::1"));
  for (const char* wrong : {"", "x", "10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "::/129", "10.0.0.0/8 "})
    CHECK_FALSE(parse_network(wrong));
}

} // namespace
} // namespace berth::config
