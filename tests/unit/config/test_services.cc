// notifications and redis: both spellings, durations, and what is refused.
#include <catch2/catch.hpp>

#include "unit/config/loading.h"

namespace berth::config {
namespace {

using namespace std::chrono_literals;

TEST_CASE("an endpoint with all its keys, and one with none but a url") {
  const Config config = config_of(R"(notifications:
  events: {includereferences: true}
  endpoints:
    - name: all
      url: https://a.example/x?y=z
      headers: {Authorization: [Bearer x], X-A: [b, c]}
      timeout: 500
      threshold: 3
      backoff: 1m30s
      ignoredmediatypes: [old/type]
      ignore: {mediatypes: [new/type], actions: [pull]}
    - {url: "http://[::1]:80"}
    - {name: off, disabled: true}
)");
  REQUIRE(config.notifications.endpoints.size() == 3);
  CHECK(config.notifications.include_references);
  const NotificationEndpoint& all = config.notifications.endpoints[0];
  CHECK(all.url == "https://a.example/x?y=z");
  CHECK(all.headers == HeaderList{{"Authorization", {"Bearer x"}}, {"X-A", {"b", "c"}}});
  CHECK(all.timeout == 500ns); // a bare number counts nanoseconds
  CHECK(all.threshold == 3);
  CHECK(all.backoff == 90s);
  CHECK(all.ignored_media_types == std::vector<std::string>{"new/type", "old/type"});
  CHECK(all.ignored_actions == std::vector<std::string>{"pull"});
  CHECK(config.notifications.endpoints[1].timeout == 1s);
  CHECK(config.notifications.endpoints[2].disabled);
}

TEST_CASE("durations") {
  const auto timeout = [](const std::string& text) {
    return config_of("redis: {addr: 'a:1', readtimeout: " + text + "}\n").redis.read_timeout;
  };
  CHECK(timeout("10ms") == 10ms);
  CHECK(timeout("1h1m1s1ms1us1ns") == 1h + 1min + 1s + 1ms + 1us + 1ns);
  CHECK(timeout("1.5s") == 1500ms);
  CHECK(timeout("0") == 0ns);
  for (const char* text : {"10", "-1s", "1x", "s", "1s2", "1e3s", "200000000000h"}) {
    CAPTURE(text);
    if (std::string(text) == "10")
      CHECK(timeout(text) == 10ns);
    else
      CHECK(
          refusal_of(std::string("redis: {addr: 'a:1', readtimeout: ") + text + "}\n").contains("readtimeout: a time"));
  }
}

TEST_CASE("redis in both spellings") {
  const Config two = config_of("redis: {addr: 'r:6379', password: p, db: 2, pool: {maxidle: 3, maxactive: 4, "
                               "idletimeout: 5s}, dialtimeout: 6ms}\n");
  CHECK(two.redis.addrs == std::vector<std::string>{"r:6379"});
  CHECK(two.redis.db == 2);
  CHECK(two.redis.max_idle == 3);
  CHECK(two.redis.max_active == 4);
  CHECK(two.redis.idle_timeout == 5s);
  CHECK(two.redis.dial_timeout == 6ms);
  const Config three = config_of("redis: {addrs: ['r:6379', 's:1'], username: u, poolsize: 4, maxidleconns: 3, "
                                 "connmaxidletime: 5s, tls: {rootcas: [/ca.pem]}}\n");
  CHECK(three.redis.addrs.size() == 2);
  CHECK(three.redis.username == "u");
  CHECK(three.redis.max_idle == 3);
  CHECK(three.redis.max_active == 4);
  CHECK(three.redis.tls_root_cas == std::vector<std::string>{"/ca.pem"});
  CHECK(config_of("redis: {addr: 'r:1'}\n", {{"REGISTRY_REDIS_PASSWORD", "p"}}).redis.password == "p");
}

TEST_CASE("secrets are not shown, places are") {
  const std::string refused =
      refusal_of("notifications: {endpoints: [{url: 'ftp://user:secret@a', headers: {Authorization: [x]}}]}\n");
  CHECK(refused.starts_with("config.yml:4: notifications: (secret): allowed is endpoints[0]: url: an absolute http"));
  CHECK_FALSE(refused.contains("user"));
  CHECK(refusal_of("redis: {addr: 'r:1', password: [secret]}\n").contains("password: text"));
  CHECK(refusal_of("redis: {addr: 'r:1', tls: {key: /k}}\n").contains("tls.certificate and tls.key, or neither"));
  CHECK(refusal_of("  cache: {blobdescriptor: redis}\n").contains("redis.addr"));
}

} // namespace
} // namespace berth::config
