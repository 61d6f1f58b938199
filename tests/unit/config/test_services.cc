#include <catch2/catch.hpp>
#include <re2/re2.h>

#include <fstream>
#include <sstream>

#include "config/keys.h"
#include "loading.h"

namespace berth::config {
namespace {

using namespace std::chrono_literals;

Duration age_of(const std::string& text) {
  return config_of("health: {storagedriver: {interval: " + text + "}}\n").health.storage.interval;
}

TEST_CASE("durations are Go's, and a bare number counts nanoseconds") {
  CHECK(age_of("168h") == 168h);
  CHECK(age_of("1h30m") == 90min);
  CHECK(age_of("1.5s") == 1500ms);
  CHECK(age_of("10ms") == 10ms);
  CHECK(age_of("3µs") == 3us);
  CHECK(age_of("500") == 500ns);
  CHECK(age_of("0") == 0ns);
  for (const char* wrong : {"-5s", "5 s", "s", "5d", "1h-3m", "1..5s", "[1s]", "1e3s", "9000000h", "10x"}) {
    CAPTURE(wrong);
    CHECK(refusal_of("  maintenance: {uploadpurging: {age: " + std::string(wrong) + "}}\n")
              .contains("storage.maintenance.uploadpurging.age: "));
  }
}

// The sample configuration of docker/distribution 2.1's deploying guide.
TEST_CASE("the sample of the deploying guide is read to the last key") {
  const auto loaded = parse(R"(version: 0.1
log:
  level: debug
  fields:
    service: registry
    environment: development
storage:
    cache:
        blobdescriptor: inmemory
    filesystem:
        rootdirectory: /tmp/registry-dev
    maintenance:
        uploadpurging:
            enabled: false
http:
    addr: :5000
    secret: asecretforlocaldevelopment
    debug:
        addr: localhost:5001
redis:
  addr: localhost:6379
  pool:
    maxidle: 16
    maxactive: 64
    idletimeout: 300s
  dialtimeout: 10ms
  readtimeout: 10ms
  writetimeout: 10ms
notifications:
    endpoints:
        - name: local-8082
          url: http://localhost:5003/callback
          headers:
             Authorization: [Bearer <an example token>]
          timeout: 1s
          threshold: 10
          backoff: 1s
          disabled: true
        - name: local-8083
          url: http://localhost:8083/callback
          timeout: 1s
          threshold: 10
          backoff: 1s
          disabled: true
)",
                            "config.yml", {});
  REQUIRE(loaded);
  for (const std::string& warning : loaded->warnings) CHECK(!warning.contains("unknown"));
  const Config& config = loaded->config;
  CHECK(config.log.fields.at(1) == std::pair<std::string, std::string>("environment", "development"));
  CHECK(!config.storage.purging.enabled);
  CHECK(config.http.debug.addr == "localhost:5001");
  CHECK(config.redis.addrs == std::vector<std::string>{"localhost:6379"});
  CHECK(config.redis.max_active == 64);
  CHECK(config.redis.idle_timeout == 300s);
  CHECK(config.redis.write_timeout == 10ms);
  REQUIRE(config.notifications.endpoints.size() == 2);
  const NotificationEndpoint& first = config.notifications.endpoints[0];
  CHECK(first.name == "local-8082");
  CHECK(first.headers.at(0).second == std::vector<std::string>{"Bearer <an example token>"});
  CHECK((first.timeout == 1s && first.threshold == 10 && first.backoff == 1s && first.disabled));
  CHECK(config.notifications.endpoints[1].url == "http://localhost:8083/callback");
}

TEST_CASE("both spellings of redis, and of what a webhook leaves out") {
  const Redis redis = config_of("redis: {addrs: ['a:1', 'b:2'], mastername: m, maxidleconns: 3}\n").redis;
  CHECK(redis.addrs == std::vector<std::string>{"a:1", "b:2"});
  CHECK(redis.sentinel_master == "m");
  CHECK(redis.max_idle == 3);
  const auto endpoint = config_of("notifications: {endpoints: [{url: 'http://a/', ignoredmediatypes: [x], "
                                  "ignore: {mediatypes: [y], actions: [pull]}}]}\n")
                            .notifications.endpoints.at(0);
  CHECK(endpoint.ignored_media_types == std::vector<std::string>{"x", "y"});
  CHECK(endpoint.ignored_actions == std::vector<std::string>{"pull"});
}

TEST_CASE("values in lists are refused with their place, and secret ones are not shown") {
  CHECK(refusal_of("health:\n  tcp:\n    - addr: a:1\n    - addr: b:2\n      timeout: soon\n")
            .starts_with("config.yml:8: health.tcp[1].timeout: \"soon\": allowed is a time"));
  CHECK(refusal_of("health: {http: [{uri: 'ftp://a:s3cret@b'}]}\n")
            .starts_with("config.yml:4: health.http[0].uri: (secret): allowed is an http"));
  CHECK(!refusal_of("redis: {addr: 'redis://:s3cret@h:1'}\n").contains("s3cret"));
  CHECK(!refusal_of("proxy: 'https://user:s3cret@h'\n").contains("s3cret"));
  CHECK(refusal_of("health: {http: [{timeout: 1s}]}\n").contains("health.http[0]: (a map): allowed is a map with uri"));
  CHECK(refusal_of("health: {file: x}\n").contains("health.file: \"x\": allowed is a list of maps"));
  CHECK(refusal_of("health: {file: [x]}\n").contains("allowed is a list of maps"));
  CHECK(refusal_of("notifications: {endpoints: [{url: 'http://a/', headers: {'A': [\"s3cret\\0\"]}}]}\n")
            .starts_with("config.yml:4: notifications.endpoints[0].headers: (secret): "));
  CHECK(!refusal_of("redis: {password: [s3cret]}\n").contains("s3cret"));
  CHECK(refusal_of("redis: {addr: 'r:1', tls: {key: /k}}\n").contains("redis.tls: "));
  CHECK(refusal_of("  cache: {blobdescriptor: redis}\n").contains("redis.addr"));
  CHECK(refusal_of("redis: {addr: r}\n").contains("the path of a unix socket"));
  CHECK(config_of("redis: {addr: /run/redis.sock}\n").redis.addrs == std::vector<std::string>{"/run/redis.sock"});
  CHECK(warnings_of("health: {tcp: [{addr: 'a:1', treshold: 3}]}\n").contains("did you mean threshold?"));
}

TEST_CASE("endpoints in use have names of their own; without one, the URL but for its secrets") {
  const auto named = config_of("notifications: {endpoints: [{url: 'http://u:s3cret@a/x?t=s3cret'}, "
                               "{name: n, url: 'http://a/x'}, {name: n, url: 'http://a/y', disabled: true}]}\n")
                         .notifications.endpoints;
  CHECK(named.at(0).name == "http://a/x");
  CHECK(refusal_of("notifications:\n  endpoints:\n"
                   "  - {name: n, url: 'http://a/'}\n  - {name: n, url: 'http://b/'}\n") ==
        "config.yml:7: notifications.endpoints[1].name: \"n\": allowed is a name that no other endpoint has");
}

TEST_CASE("when uploads are purged has a unit: a bare number would remove what is being uploaded") {
  const auto purging = [](const std::string& age) {
    return refusal_of("  maintenance: {uploadpurging: {age: " + age + ", interval: 24h, dryrun: false}}\n");
  };
  CHECK(purging("168h") == "loaded");
  CHECK(purging("168") == "config.yml:4: storage.maintenance.uploadpurging.age: \"168\": allowed is a time with its "
                          "unit, as in 168h or 90m");
}

TEST_CASE("garbage waits for an hour at least, and its times have units") {
  using std::chrono::hours;
  const Collection usual = config_of("").berth.collection;
  CHECK_FALSE(usual.enabled);
  CHECK(usual.grace == hours(24));
  CHECK_FALSE(usual.untagged);
  CHECK(usual.empty_repositories == hours(24));
  const Collection set =
      config_of("berth: {collection: {enabled: true, interval: 2h, grace: 90m, untagged: 168h}}\n").berth.collection;
  CHECK((set.enabled && set.interval == hours(2) && set.grace == std::chrono::minutes(90)));
  CHECK(set.untagged == hours(168));
  CHECK_FALSE(config_of("berth: {collection: {untagged: Never}}\n").berth.collection.untagged);
  CHECK_FALSE(config_of("berth: {collection: {emptyrepositories: never}}\n").berth.collection.empty_repositories);
  CHECK(config_of("berth: {collection: {emptyrepositories: 2h}}\n").berth.collection.empty_repositories == hours(2));
  const auto refusal = [](const std::string& key, const std::string& text) {
    return refusal_of("berth: {collection: {" + key + ": " + text + "}}\n");
  };
  CHECK(refusal("grace", "24") ==
        "config.yml:4: berth.collection.grace: \"24\": allowed is a time with its unit, of at "
        "least 1h, as in 24h");
  for (const char* wrong : {"59m", "-2h", "always"}) {
    CAPTURE(wrong);
    CHECK(refusal("grace", wrong).contains("of at least 1h"));
    CHECK(refusal("untagged", wrong).contains("allowed is never, or a time with its unit, of at least 1h"));
  }
  CHECK(refusal("interval", "1").contains("a time with its unit"));
  CHECK(refusal("emptyrepositories", "1m").contains("allowed is never, or a time with its unit, of at least 1h"));
}

TEST_CASE("the store is verified when that is asked for") {
  using std::chrono::hours;
  const Verification usual = config_of("").berth.verification;
  CHECK((!usual.enabled && usual.interval == hours(720) && usual.rate == 0));
  const Verification set =
      config_of("berth: {verify: {enabled: true, interval: 168h, rate: 50000000}}\n").berth.verification;
  CHECK((set.enabled && set.interval == hours(168) && set.rate == 50'000'000));
  CHECK(refusal_of("berth: {verify: {interval: 10}}\n").contains("of at least 1h"));
  CHECK(refusal_of("berth: {verify: {rate: -1}}\n").contains("berth.verify.rate"));
}

TEST_CASE("proxies that are believed are addresses and networks") {
  CHECK(config_of("berth: {trustedproxies: [10.0.0.0/8, ::1, 'fd00::/8', 192.0.2.1]}\n").berth.trusted_proxies.size() ==
        4);
  CHECK(config_of("berth: {trustedproxies: 10.0.0.1}\n").berth.trusted_proxies.at(0) == "10.0.0.1");
  for (const char* wrong :
       {"10.0.0.0/33", "10.0.0.0/", "10.0.0.0/+8", "proxy.example", "'fd00::/129'", "10.0.0", "''"}) {
    CAPTURE(wrong);
    CHECK(refusal_of(std::string("berth: {trustedproxies: [") + wrong + "]}\n")
              .contains("berth.trustedproxies: (a list): allowed is a list of addresses and networks"));
  }
}

TEST_CASE("what may be pushed") {
  CHECK(config_of("policy: {repository: {classes: [image, plugin]}}\n").repository_classes.size() == 2);
  CHECK(refusal_of("policy: {repository: {classes: {image: }}}\n")
            .starts_with("config.yml:4: policy.repository.classes: (a map): allowed is a list of texts"));
}

TEST_CASE("lists have variables too") {
  const auto config = config_of("", {{"REGISTRY_HEALTH_FILECHECKERS_0_FILE", "/down"},
                                     {"REGISTRY_HEALTH_TCPCHECKERS_0_ADDR", "[::1]:80"},
                                     {"REGISTRY_NOTIFICATIONS_ENDPOINTS", "[{name: x, url: 'http://x/'}]"},
                                     {"REGISTRY_NOTIFICATIONS_ENDPOINTS_1_URL", "http://y/"},
                                     {"REGISTRY_NOTIFICATIONS_EVENTCONFIG_INCLUDEREFERENCES", "true"},
                                     {"REGISTRY_LOG_FIELDS_SERVICE", "registry"}});
  CHECK(config.health.files.at(0).file == "/down");
  CHECK(config.health.tcps.at(0).addr == "[::1]:80");
  CHECK(config.notifications.endpoints.at(1).url == "http://y/");
  CHECK(config.notifications.include_references);
  CHECK(config.log.fields.at(0).second == "registry");
  CHECK(warnings_of("", {{"REGISTRY_HEALTH_FILE_0_NOVELTY", "1"}}).contains("names no key"));
}

TEST_CASE("access control is as docker/distribution has it") {
  using Kind = Auth::Kind;
  CHECK(config_of("auth: {htpasswd: {realm: r, path: /p}}\n").auth.kind == Kind::htpasswd);
  CHECK(config_of("auth: {silly: {realm: r, service: s}}\n").auth.kind == Kind::silly);
  CHECK(config_of("auth: {token: {realm: 'https://r/', service: s, issuer: i, jwks: /j}}\n").auth.kind == Kind::token);
  CHECK(config_of("auth: none\n").auth.kind == Kind::none);
  CHECK(config_of("").auth.kind == Kind::none);
  CHECK(refusal_of("auth: {token: {realm: nowhere, service: s}}\n")
            .contains("auth.token.realm: \"nowhere\": allowed is an http"));
}

std::string text_of(const char* path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST_CASE("the documentation of the keys is the table") {
  INFO("docs/configuration.md: replace its table by what `berth config-keys` prints");
  CHECK(text_of(BERTH_SOURCE_DIR "/docs/configuration.md").contains("\n\n" + keys_as_markdown() + "\n"));
}

TEST_CASE("the example has every key that works, and loads without a word") {
  const std::string text = text_of(BERTH_SOURCE_DIR "/config/example.yml");
  for (const Key& key : keys()) {
    if (key.standing != Standing::works && key.standing != Standing::nginx) continue;
    const std::string name(key.path.substr(key.path.find_last_of(".[]") + 1));
    CAPTURE(key.path);
    CHECK(RE2::PartialMatch(text, "\\b" + name + "\\b"));
  }
  const auto loaded = parse(text, "example.yml", {});
  REQUIRE(loaded);
  CHECK(loaded->warnings.empty());
  CHECK(loaded->notes.empty());
}

} // namespace
} // namespace berth::config
