#include "base/url_secrets.h"

#include <catch2/catch.hpp>

namespace berth {
namespace {

TEST_CASE("a URL is shown without user, password and query") {
  CHECK(without_secrets("https://hooks.example.com:8443/a/b") == "https://hooks.example.com:8443/a/b");
  CHECK(without_secrets("https://user:pw@h/p@th?token=1#x") == "https://h/p@th");
  CHECK(without_secrets("https://user:p@w@h") == "https://h");
  CHECK(without_secrets("http://h?a@b") == "http://h");
  CHECK(without_secrets("redis://:pw@h:6379/0") == "redis://h:6379/0");
  CHECK(without_secrets("user:pw@h:1") == "h:1");
  CHECK(without_secrets("/run/redis.sock") == "/run/redis.sock");
  CHECK(without_secrets("").empty());
}

} // namespace
} // namespace berth
