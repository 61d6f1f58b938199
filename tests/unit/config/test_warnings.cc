#include <catch2/catch.hpp>

#include <algorithm>

#include "loading.h"

namespace berth::config {
namespace {

TEST_CASE("unknown keys are named with their line and the nearest key") {
  CHECK(warnings_of("http:\n  adress: x\n") == "config.yml:5: http.adress: unknown, and without effect\n");
  CHECK(warnings_of("http:\n  adr: x\n") ==
        "config.yml:5: http.adr: unknown, and without effect; did you mean addr?\n");
  CHECK(warnings_of("Http: {}\n") == "config.yml:4: Http: unknown, and without effect; did you mean http?\n");
  CHECK(warnings_of("  filesytem: {rootdirectory: /x}\n") ==
        "config.yml:4: storage.filesytem: unknown, and without effect; did you mean filesystem?\n");
  CHECK(warnings_of("berth: {run_directory: /x}\n").contains("did you mean rundirectory?"));
  CHECK(warnings_of("zzz: {deep: [1]}\n") == "config.yml:4: zzz: unknown, and without effect\n");
}

TEST_CASE("keys without an effect are noted with the reason, and warn nobody") {
  const auto notes = [](const std::string& rest, const Environment& environment = {}) {
    auto loaded = load_text(rest, environment);
    if (!loaded) return "refused: " + loaded.error().message;
    CHECK(loaded->warnings.empty());
    std::string all;
    for (const std::string& note : loaded->notes) all += note + "\n";
    return all;
  };
  CHECK(notes("reporting: {bugsnag: {apikey: k}}\n") ==
        "config.yml:4: reporting: without effect: services that docker/distribution itself has dropped\n");
  CHECK(notes("  redirect: {disable: true}\n  tag:\n    concurrencylimit: 8\n") ==
        "config.yml:4: storage.redirect.disable: without effect: the filesystem store never redirects; true is "
        "refused with s3\n"
        "config.yml:6: storage.tag.concurrencylimit: without effect: berth reads a repository's tags in one pass\n");
  CHECK(notes("", {{"REGISTRY_REDIS_POOLFIFO", "true"}}) ==
        "REGISTRY_REDIS_POOLFIFO: redis.poolfifo: without effect: an option of docker/distribution's redis client\n");
  CHECK(notes("http: {h2c: {enabled: false}}\nreporting:\nnotifications:\nredis:\n").empty()); // nothing is asked for
}

TEST_CASE("a redis of many servers is no cache, and check-config says so") {
  const std::string cache = "  cache: {blobdescriptor: redis}\n";
  CHECK(warnings_of(cache + "redis: {addrs: ['a:1', 'b:2']}\n").contains("not to clusters or sentinels"));
  CHECK(warnings_of(cache + "redis: {addrs: ['a:1'], mastername: m}\n").contains("not to clusters or sentinels"));
  CHECK(warnings_of(cache + "redis: {addrs: ['a:1']}\n").empty());
}

TEST_CASE("a descriptor cache that berth does not have is no cache") {
  CHECK(warnings_of("  cache: {layerinfo: disk}\n").contains("known are inmemory and redis"));
}

// The configs that docker/distribution's images and guides ship.
TEST_CASE("the sample configs of docker/distribution load") {
  CHECK(warnings_of(R"(
  cache:
    blobdescriptor: inmemory
log:
  fields:
    service: registry
http:
  addr: :5000
  headers:
    X-Content-Type-Options: [nosniff]
health:
  storagedriver:
    enabled: true
    interval: 10s
    threshold: 3
)")
            .empty());

  const std::string all = warnings_of(R"(
  cache:
    layerinfo: inmemory
  delete: {enabled: false}
  redirect: {disable: false}
  maintenance:
    uploadpurging: {enabled: true, age: 168h, interval: 24h, dryrun: false}
    readonly: {enabled: false}
log:
  level: debug
  accesslog: {disabled: true}
  formatter: text
  fields: {service: registry, environment: staging}
  hooks:
    - type: mail
      disabled: true
      levels: [panic]
reporting: {bugsnag: {apikey: x}, newrelic: {licensekey: y, name: z, verbose: true}}
http:
  addr: localhost:5000
  prefix: /my/nested/registry/
  host: https://myregistryaddress.org:5000
  secret: asecretforlocaldevelopment
  relativeurls: false
  draintimeout: 60s
  debug: {addr: localhost:5001, prometheus: {enabled: true, path: /metrics}}
  headers: {X-Content-Type-Options: [nosniff]}
  http2: {disabled: false}
  h2c: {enabled: false}
notifications:
  events: {includereferences: true}
  endpoints:
    - {name: alistener, disabled: false, url: "https://my.listener.com/event", timeout: 1s, threshold: 10, backoff: 1s}
redis: {addr: "localhost:6379", db: 0, pool: {maxidle: 16, maxactive: 64, idletimeout: 300s}}
health: {file: [{file: /path/to/checked/file, interval: 10s}]}
proxy:
compatibility: {schema1: {enabled: true}}
policy: {repository: {classes: [image]}}
validation:
  manifests: {urls: {allow: ["^https?://([^/]+\\.)*example\\.com/"], deny: ["^https?://www\\.example\\.com/"]}}
)");
  CHECK(!all.contains("unknown"));
  CHECK(all.empty());
}

} // namespace
} // namespace berth::config
