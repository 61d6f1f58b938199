#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>

#include "config/keys.h"
#include "loading.h"

namespace berth::config {
namespace {

TEST_CASE("the smallest config, and its defaults") {
  const auto loaded = parse("version: 0.1\nstorage: filesystem\n", "c", {});
  REQUIRE(loaded);
  CHECK(loaded->warnings.empty());
  const Config& config = loaded->config;
  CHECK(config.log.level == LogLevel::info);
  CHECK(config.storage.root == "/var/lib/registry");
  CHECK(!config.storage.delete_enabled);
  CHECK(!config.storage.cache_descriptors);
  CHECK(config.http.addr == ":5000");
  CHECK(config.http.prefix == "/");
  CHECK(config.http.secret.empty());
  CHECK(config.berth.threads == 16);
  CHECK(config.berth.nginx_reload_drain == std::chrono::seconds(5));
  CHECK(config.berth.state_directory == "/var/lib/registry/berth");
  CHECK(config.berth.run_directory.starts_with("/var/lib/registry/berth/"));
  CHECK(config.berth.run_directory.ends_with("-5000/run"));
  CHECK(config.berth.spool.ends_with("-5000/spool"));
  CHECK(config.berth.socket == config.berth.run_directory + "/pool.sock");
}

TEST_CASE("what berth keeps for itself follows its directory, the spool the store") {
  const Config config = config_of(
      "berth: {statedirectory: /var/lib/berth, access: {rules: [{who: anyone, repositories: '**', may: pull}]}}\n");
  CHECK(config.berth.state_directory == "/var/lib/berth");
  CHECK(config.berth.run_directory.starts_with("/var/lib/berth/"));
  CHECK(config.berth.access.robots == "/var/lib/berth/robots");
  CHECK(config.berth.spool.starts_with("/srv/registry/berth/"));
}

TEST_CASE("every key that works is read") {
  const Config config = config_of(R"(
  cache: {blobdescriptor: inmemory, blobdescriptorsize: 7}
  delete: {enabled: true}
log: {level: WARN}
http:
  addr: 127.0.0.1:5443
  net: tcp
  host: https://registry.example.com
  prefix: /team/
  secret: asecret
  relativeurls: true
  headers:
    X-Content-Type-Options: [nosniff]
    X-Two: [a, b]
    X-One: alone
    X-None:
validation:
  disabled: true
  manifests:
    urls: {allow: ["^https?://a/"], deny: [b, c]}
    indexes: {platforms: List, platformlist: [{architecture: amd64, os: linux}]}
catalog: {maxentries: 5}
tags: {maxtags: 6}
berth:
  threads: 3
  rundirectory: /run/berth
  spool: /srv/spool
  socket: /run/berth/s
  user: www-data
  nginx: {binary: /opt/nginx, directory: /etc/berth/nginx}
)");
  CHECK(config.log.level == LogLevel::warn);
  CHECK(config.storage.root == "/srv/registry");
  CHECK(config.storage.cache_descriptors);
  CHECK(config.storage.cache_entries == 7);
  CHECK(config.storage.delete_enabled);
  CHECK(config.http.addr == "127.0.0.1:5443");
  CHECK(config.http.host == "https://registry.example.com");
  CHECK(config.http.prefix == "/team/");
  CHECK(config.http.secret == "asecret");
  CHECK(config.http.relative_urls);
  using Values = std::vector<std::string>;
  REQUIRE(config.http.headers.size() == 4);
  CHECK(config.http.headers[0] == std::pair<std::string, Values>("X-Content-Type-Options", {"nosniff"}));
  CHECK(config.http.headers[1].second == Values{"a", "b"});
  CHECK(config.http.headers[2].second == Values{"alone"});
  CHECK(config.http.headers[3].second.empty());
  CHECK(config.validation.disabled);
  CHECK(config.validation.url_allow == Values{"^https?://a/"});
  CHECK(config.validation.url_deny == Values{"b", "c"});
  CHECK(config.validation.index_platforms == IndexPlatforms::listed);
  REQUIRE(config.validation.platform_list.size() == 1);
  CHECK(config.validation.platform_list[0].architecture == "amd64");
  CHECK(config.catalog_max_entries == 5);
  CHECK(config.tags_max == 6);
  CHECK(config.berth.threads == 3);
  CHECK(config.berth.run_directory == "/run/berth");
  CHECK(config.berth.spool == "/srv/spool");
  CHECK(config.berth.socket == "/run/berth/s");
  CHECK(config.berth.user == "www-data");
  CHECK(config.berth.nginx_binary == "/opt/nginx");
  CHECK(config.berth.nginx_directory == "/etc/berth/nginx");
}

TEST_CASE("old spellings, and which spelling wins") {
  CHECK(config_of("loglevel: debug\n").log.level == LogLevel::debug);
  CHECK(config_of("log: {level: error}\nloglevel: debug\n").log.level == LogLevel::error);
  CHECK(config_of("  cache: {layerinfo: inmemory}\n").storage.cache_descriptors);
  CHECK(config_of("validation: {disabled: true}\n").validation.disabled);
  CHECK(!config_of("validation: {enabled: true, disabled: true}\n").validation.disabled);
  CHECK(config_of("validation: {enabled: false, disabled: true}\n").validation.disabled);
  CHECK(!config_of("validation: {enabled: false}\n").validation.disabled);
}

TEST_CASE("a key without a value keeps its default") {
  CHECK(config_of("http:\n").http.addr == ":5000");
  CHECK(config_of("http: {addr: }\n").http.addr == ":5000");
  CHECK(config_of("http: {addr: \"\", host: \"\", prefix: \"\", headers: }\n").http.prefix == "/");
  CHECK(config_of("berth: {threads: ~}\n").berth.threads == 16);
  CHECK(config_of("  delete:\n").storage.delete_enabled == false);
}

TEST_CASE("the words of yes and no") {
  for (const char* word : {"true", "True", "TRUE", "yes", "on", "y", "\"true\""})
    CHECK(config_of(std::string("  delete: {enabled: ") + word + "}\n").storage.delete_enabled);
  for (const char* word : {"false", "no", "off", "N"})
    CHECK(!config_of(std::string("  delete: {enabled: ") + word + "}\n").storage.delete_enabled);
}

TEST_CASE("paths become absolute and plain") {
  const std::string here = std::filesystem::current_path().string();
  CHECK(config_of("berth: {spool: spool/}\n").berth.spool == here + "/spool");
  CHECK(config_of("berth: {spool: ./a/../b//c}\n").berth.spool == here + "/b/c");
  CHECK(config_of("berth: {spool: \"/with space/ü\"}\n").berth.spool == "/with space/ü");
}

TEST_CASE("a file is loaded, or its absence named") {
  const auto path = std::filesystem::temp_directory_path() / ("berth-config-" + std::to_string(::getpid()) + ".yml");
  std::ofstream(path) << head << "http: {addr: :x}\n";
  const auto loaded = load(path.string(), {});
  CHECK(loaded.error().message.starts_with(path.string() + ":4: http.addr: \":x\": allowed is [host]:port"));
  std::filesystem::remove(path);
  CHECK(load(path.string(), {}).error().message == path.string() + ": No such file or directory");
  CHECK(load("/", {}).error().message == "/: Is a directory");
}

TEST_CASE("the table of keys is sound") {
  std::vector<std::string_view> seen;
  for (const Key& key : keys()) {
    CAPTURE(key.path);
    CHECK(std::ranges::find(seen, key.path) == seen.end());
    seen.push_back(key.path);
    if (key.standing == Standing::nginx) CHECK(key.read != nullptr);
    CHECK(!key.doc.empty());
    CHECK(find_key(key.path) == &key);
    CHECK(!is_section(key.path));
    CHECK(key.path.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789.[]") == std::string_view::npos);
  }
}

} // namespace
} // namespace berth::config
