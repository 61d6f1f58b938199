#include <catch2/catch.hpp>

#include "config/address.h"

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

} // namespace
} // namespace berth::config
