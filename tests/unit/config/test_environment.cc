#include <catch2/catch.hpp>

#include "loading.h"

namespace berth::config {
namespace {

TEST_CASE("a variable sets, makes and replaces keys") {
  CHECK(config_of("", {{"REGISTRY_HTTP_ADDR", ":5001"}}).http.addr == ":5001");
  CHECK(config_of("http: {addr: :1}\n", {{"REGISTRY_HTTP_ADDR", ":5001"}}).http.addr == ":5001");
  CHECK(config_of("http:\n", {{"REGISTRY_HTTP_ADDR", "0.0.0.0:5001"}}).http.addr == "0.0.0.0:5001");
  CHECK(config_of("", {{"REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY", "/data"}}).storage.root == "/data");
  CHECK(config_of("", {{"REGISTRY_STORAGE_DELETE_ENABLED", "true"}}).storage.delete_enabled);
  CHECK(config_of("", {{"REGISTRY_BERTH_THREADS", "4"}}).berth.threads == 4);
  CHECK(config_of("", {{"REGISTRY_BERTH_NGINX_BINARY", "/opt/nginx"}}).berth.nginx_binary == "/opt/nginx");
  CHECK(config_of("", {{"REGISTRY_LOG_LEVEL", "debug"}}).log.level == LogLevel::debug);
  CHECK(config_of("", {{"REGISTRY_LOGLEVEL", "debug"}}).log.level == LogLevel::debug);
  CHECK(config_of("", {{"REGISTRY_LOG", "{level: warn}"}}).log.level == LogLevel::warn);
  CHECK(config_of("", {{"REGISTRY_CATALOG_MAXENTRIES", "9"}, {"REGISTRY_TAGS_MAXTAGS", "8"}}).tags_max == 8);
}

TEST_CASE("a variable's value is YAML, or plain text where that is no YAML") {
  CHECK(config_of("", {{"REGISTRY_HTTP_ADDR", "[::1]:5000"}}).http.addr == "[::1]:5000");
  CHECK(config_of("", {{"REGISTRY_HTTP_SECRET", "@b*d: [yaml"}}).http.secret == "@b*d: [yaml");
  CHECK(config_of("", {{"REGISTRY_HTTP_SECRET", "'it is'"}}).http.secret == "it is");
  CHECK(config_of("http: {secret: a}\n", {{"REGISTRY_HTTP_SECRET", ""}}).http.secret.empty());
  const Config config = config_of("", {{"REGISTRY_VALIDATION_MANIFESTS_URLS_ALLOW", "[a, b]"},
                                       {"REGISTRY_HTTP_HEADERS", "{X-A: [1], X-B: [2, 3]}"}});
  CHECK(config.validation.url_allow == std::vector<std::string>{"a", "b"});
  CHECK(config.http.headers[1].second == std::vector<std::string>{"2", "3"});
}

TEST_CASE("lists by index, and maps by any case") {
  const std::string lists = "validation: {manifests: {urls: {allow: [a, b]}}}\n";
  CHECK(config_of(lists, {{"REGISTRY_VALIDATION_MANIFESTS_URLS_ALLOW_1", "c"}}).validation.url_allow ==
        std::vector<std::string>{"a", "c"});
  CHECK(config_of(lists, {{"REGISTRY_VALIDATION_MANIFESTS_URLS_ALLOW_2", "c"}}).validation.url_allow.size() == 3);
  CHECK(config_of("", {{"REGISTRY_VALIDATION_MANIFESTS_URLS_ALLOW_0", "c"}}).validation.url_allow ==
        std::vector<std::string>{"c"});
  CHECK(refusal_of(lists, {{"REGISTRY_VALIDATION_MANIFESTS_URLS_ALLOW_3", "c"}}).starts_with("REGISTRY_VALIDATION"));
  CHECK(refusal_of(lists, {{"REGISTRY_VALIDATION_MANIFESTS_URLS_ALLOW_X", "c"}}).contains("is no map"));

  const std::string headers = "http: {headers: {X-Frame-Options: [DENY]}}\n";
  auto config = config_of(headers, {{"REGISTRY_HTTP_HEADERS_X-FRAME-OPTIONS", "[SAMEORIGIN]"}});
  REQUIRE(config.http.headers.size() == 1);
  CHECK(config.http.headers[0].first == "X-Frame-Options");
  CHECK(config.http.headers[0].second[0] == "SAMEORIGIN");
  config = config_of(headers, {{"REGISTRY_HTTP_HEADERS_X-NEW", "[a]"}});
  REQUIRE(config.http.headers.size() == 2);
  CHECK(config.http.headers[1].first == "x-new");
}

TEST_CASE("REGISTRY_STORAGE replaces all of storage, before its parts are set") {
  const Environment both{{"REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY", "/data"}, {"REGISTRY_STORAGE", "filesystem"}};
  const Config config = config_of("  delete: {enabled: true}\n", both);
  CHECK(config.storage.root == "/data");
  CHECK(!config.storage.delete_enabled);
  CHECK(refusal_of("", {{"REGISTRY_STORAGE", "inmemory"}}) ==
        "REGISTRY_STORAGE: storage.inmemory: berth does not have this driver: allowed is filesystem or s3; it would "
        "forget "
        "everything at its end");
  CHECK(refusal_of("", {{"REGISTRY_STORAGE_S3_BUCKET", "b"}}).contains("storage.s3: a second driver"));
  CHECK(refusal_of("", {{"REGISTRY_STORAGE", ""}}).contains("allowed is one driver"));
  CHECK(parse("version: 0.1\nstorage: filesystem\n", "c", {{"REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY", "/data"}})
            ->config.storage.root == "/data");
}

TEST_CASE("errors name the variable") {
  CHECK(refusal_of("", {{"REGISTRY_BERTH_THREADS", "0"}}) ==
        "REGISTRY_BERTH_THREADS: berth.threads: \"0\": allowed is a whole number from 1 to 1024");
  CHECK(refusal_of("", {{"REGISTRY_HTTP_HEADERS", "[x"}}).starts_with("REGISTRY_HTTP_HEADERS: "));
  CHECK(refusal_of("", {{"REGISTRY_HTTP_SECRET", "[s3cr3t]"}}) ==
        "REGISTRY_HTTP_SECRET: http.secret: (secret): allowed is text of at most 4096 bytes");
  CHECK(refusal_of("http: x\n", {{"REGISTRY_HTTP_ADDR", ":1"}}) ==
        "REGISTRY_HTTP_ADDR: http.addr: what lies above it in the config is no map");
}

TEST_CASE("access control asked for by a variable is not passed over") {
  CHECK(refusal_of("", {{"REGISTRY_AUTH", "htpasswd"}})
            .contains("auth.htpasswd: (nothing): allowed is a map with realm"));
  CHECK(refusal_of("", {{"REGISTRY_AUTH_HTPASSWD_REALM", "r"}}).contains("allowed is a map with path"));
  CHECK(refusal_of("", {{"REGISTRY_AUTH", "htpasswd"},
                        {"REGISTRY_AUTH_HTPASSWD_REALM", "r"},
                        {"REGISTRY_AUTH_HTPASSWD_PATH", "/p"}}) == "loaded");
  CHECK(refusal_of("auth: none\n", {{"REGISTRY_AUTH_TOKEN_REALM", "https://r/"}}).contains("auth: "));
  CHECK(refusal_of("", {{"REGISTRY_AUTH_HTPASWD_REALM", "r"}}).contains("auth: (a map): allowed is one of none"));
  CHECK(refusal_of("auth: {htpasswd: {realm: r, path: /p}}\n", {{"REGISTRY_AUTH", ""}})
            .starts_with("REGISTRY_AUTH: auth: (nothing): allowed is none"));
  CHECK(
      refusal_of("auth: {htpasswd: {realm: r, path: /p}}\n", {{"REGISTRY_AUTH_HTPASSWD", ""}}).contains("with realm"));
  CHECK(refusal_of("auth: {htpasswd: {realm: r, path: /p}}\n", {{"REGISTRY_AUTH", "none"}}) == "loaded");
  CHECK(refusal_of("", {{"REGISTRY_AUTH", ""}}) == "loaded");
  CHECK(refusal_of("", {{"REGISTRY_PROXY_REMOTEURL", "https://x"}}).contains("proxy: "));
  CHECK(config_of("", {{"REGISTRY_STORAGE_MAINTENANCE_READONLY_ENABLED", "true"}}).storage.read_only);
  CHECK(config_of("", {{"REGISTRY_STORAGE_MAINTENANCE_READONLY", "{enabled: true}"}}).storage.read_only);
  CHECK(refusal_of("", {{"REGISTRY_HTTP_TLS_CLIENTCAS_0", "/ca"}}).contains("clientcas"));
  CHECK(refusal_of("", {{"REGISTRY_AUTH", "none"}}) == "loaded");
}

TEST_CASE("a variable that names no key is a warning") {
  CHECK(warnings_of("", {{"REGISTRY_HTTP_ADR", ":1"}}) ==
        "REGISTRY_HTTP_ADR: names no key; did you mean REGISTRY_HTTP_ADDR?\n");
  CHECK(warnings_of("", {{"REGISTRY_PORT_5000_TCP_ADDR", "10.0.0.1"}}) ==
        "REGISTRY_PORT_5000_TCP_ADDR: names no key\n");
  CHECK(warnings_of("", {{"REGISTRY_", "x"}}) == "REGISTRY_: names no key\n");
  CHECK(warnings_of("", {{"REGISTRY_HTTP__ADDR", "x"}}).starts_with("REGISTRY_HTTP__ADDR: names no key"));
  CHECK(warnings_of("", {{"REGISTRY_HTTP_ADDR_X", "x"}}).contains("names no key"));
  CHECK(warnings_of("", {{"REGISTRY_VERSION", "0.2"}}).starts_with("REGISTRY_VERSION: the version is the file's"));
  CHECK(
      warnings_of("", {{"REGISTRY_CONFIGURATION_PATH", "/x"}, {"PATH", "/bin"}, {"registry_http_addr", "x"}}).empty());
  CHECK(
      warnings_of("", {{"REGISTRY_STORAGE_FILESYSTEM_ROOTDIR", "/x"}}).contains("storage.filesystem.rootdir: unknown"));
}

TEST_CASE("docker/distribution's field names stand for keys") {
  CHECK(warnings_of("", {{"REGISTRY_NOTIFICATIONS_EVENTCONFIG_INCLUDEREFERENCES", "true"},
                         {"REGISTRY_HEALTH_FILECHECKERS_0_FILE", "/x"},
                         {"REGISTRY_REDIS_ADDRS", "[h:6379]"}})
            .find("names no key") == std::string::npos);
}

} // namespace
} // namespace berth::config
