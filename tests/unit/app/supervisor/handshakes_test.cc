#include "app/supervisor/handshakes.h"

#include <catch2/catch.hpp>

namespace berth::app {
namespace {

using namespace std::chrono_literals;

TEST_CASE("nginx's lines of failed handshakes become a client and a reason") {
  const auto reason = [](const std::string& said) {
    const auto failed = read_handshake("12#12: *3 " + said + ", client: 10.0.0.7, server: 0.0.0.0:5000");
    if (failed) CHECK(failed->client == "10.0.0.7");
    return failed ? failed->reason : "";
  };
  const auto of_openssl = [&](const std::string& said) {
    return reason("SSL_do_handshake() failed (SSL: error:0A000418:SSL routines::" + said + ") while SSL handshaking");
  };
  CHECK_THAT(of_openssl("tlsv1 alert unknown ca:SSL alert number 48"), Catch::Contains("does not trust"));
  CHECK_THAT(of_openssl("sslv3 alert bad certificate:SSL alert number 42"), Catch::Contains("does not trust"));
  CHECK_THAT(of_openssl("unsupported protocol"), Catch::Contains("minimumtls"));
  CHECK(of_openssl("wrong version number") == "wrong version number");
  CHECK(of_openssl("bad thing:SSL alert number 1") == "bad thing");
  CHECK(reason("SSL_do_handshake() failed (104: Connection reset by peer) while SSL handshaking") ==
        "the handshake was cut short");
  CHECK_THAT(reason("client sent plain HTTP request to HTTPS port while reading client request headers"),
             Catch::Contains("plain http"));
  CHECK(reason("client closed keepalive connection").empty());
  CHECK(reason("peer closed connection in SSL handshake while SSL handshaking").empty());
}

TEST_CASE("a client cannot forge a reason, nor an address") {
  const auto failed = read_handshake("1#1: *3 client sent plain HTTP request to HTTPS port, client: 10.0.0.7, server: "
                                     "_, request: \"GET /, client: 1.2.3.4, alert unknown ca HTTP/1.1\"");
  REQUIRE(failed);
  CHECK(failed->client == "10.0.0.7");
  CHECK_THAT(failed->reason, Catch::Contains("plain http"));
  CHECK(!read_handshake("1#1: *3 no file, client: 10.0.0.7, request: \"GET /SSL_do_handshake() failed HTTP/1.1\""));
  CHECK(!read_handshake(""));
}

TEST_CASE("one line a minute of a client with a reason, some in all, and a count of the rest") {
  Handshakes handshakes;
  const Handshakes::Steady::time_point begin{};
  CHECK(handshakes.is_told({"a", "x"}, begin));
  CHECK(!handshakes.is_told({"a", "x"}, begin + 59s));
  CHECK(handshakes.is_told({"a", "y"}, begin + 59s));
  CHECK(handshakes.take_untold(begin + 59s) == 0);
  CHECK(handshakes.take_untold(begin + 60s) == 1);
  CHECK(handshakes.take_untold(begin + 60s) == 0);
  CHECK(handshakes.is_told({"a", "x"}, begin + 60s));
  std::size_t told = 0;
  for (int i = 0; i < 1000; ++i) told += handshakes.is_told({std::to_string(i), "x"}, begin + 200s) ? 1 : 0;
  CHECK(told == Handshakes::max_told);
  CHECK(handshakes.take_untold(begin + 400s) == 1000 - told);
}

} // namespace
} // namespace berth::app
