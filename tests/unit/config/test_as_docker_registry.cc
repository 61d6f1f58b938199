// Values that docker-registry 2.8 runs with, however odd. tests/system/test_config_values.py compares the two.
#include <catch2/catch.hpp>

#include "loading.h"

namespace berth::config {
namespace {

using namespace std::chrono_literals;

struct Row {
  std::string written;
  std::string read;
  std::string warning = {}; // a part of it; empty: there is none
};

void check_rows(const std::string& before, const std::vector<Row>& rows, std::string Config::Http::* member) {
  for (const Row& row : rows) {
    const std::string text = before + ": '" + row.written + "'}\n";
    CAPTURE(text);
    CHECK(config_of(text).http.*member == row.read);
    const std::string warnings = warnings_of(text);
    CHECK(warnings.empty() == row.warning.empty());
    CHECK(warnings.contains(row.warning));
  }
}

TEST_CASE("a prefix, with or without slashes") {
  const std::string nothing = "config.yml:4: http.prefix: ";
  check_rows("http: {prefix",
             {{"/", "/"},
              {"/docker", "/docker/"},
              {"/docker/", "/docker/"},
              {"/a/b-c", "/a/b-c/"},
              {"/a b;c+d@e%2f", "/a b;c+d@e%2f/"},
              {"docker", "docker/", nothing + "\"docker\": no path begins so"},
              {"docker/", "docker/", nothing},
              {"//docker/", "//docker/", nothing},
              {"/a/../b", "/a/../b/", nothing}},
             &Config::Http::prefix);
}

TEST_CASE("the URL of the registry, as Go reads it") {
  const std::string passed_over = "without effect: it has no scheme, or no host";
  const std::string dropped = "is dropped, as docker/distribution does";
  check_rows("http: {host",
             {{"https://a.b:5000", "https://a.b:5000"},
              {"HTTPS://x", "https://x"},
              {"https://X.Y", "https://X.Y"},
              {"https://[::1]:5000/", "https://[::1]:5000/"},
              {"https://x/base/", "https://x/base/"},
              {"https://x/base/path", "https://x/base/", "\"/path\" " + dropped},
              {"https://x?y=1", "https://x"},
              {"https://x/#f", "https://x/"},
              {"https://u:p@x", "https://u:p@x"},
              {"ftp://x", "ftp://x"},
              {"registry.example.test", "", passed_over},
              {"registry.example.test:5000", "", passed_over},
              {"localhost:5000/", "", passed_over},
              {"//x/", "", passed_over},
              {"/x", "", passed_over},
              {"x/y", "", passed_over},
              {"https://", "", passed_over},
              {"https:///x", "", passed_over}},
             &Config::Http::host);
}

TEST_CASE("numbers, as YAML 1.1 writes them and Go limits them") {
  for (const auto& [written, read] : std::vector<std::pair<std::string, int>>{{"1_000", 1000},
                                                                              {"0x10", 16},
                                                                              {"010", 8},
                                                                              {"0b11", 3},
                                                                              {"+7", 7},
                                                                              {"1e3", 1000},
                                                                              {"1.9", 1},
                                                                              {"08", 8},
                                                                              {"0", 1000},
                                                                              {"-1", 1000},
                                                                              {"5000000", 1'000'000}}) {
    CAPTURE(written);
    CHECK(config_of("catalog: {maxentries: " + written + "}\n").catalog_max_entries == read);
  }
  for (const char* wrong : {"many", "1x", "0x", "--1", "1e99", "[1]"}) {
    CAPTURE(wrong);
    CHECK(refusal_of(std::string("catalog: {maxentries: ") + wrong + "}\n").contains("allowed is a whole number"));
  }
  CHECK(config_of("  cache: {blobdescriptorsize: 0}\n").storage.cache_entries == 10000);
  CHECK(config_of("health: {http: [{uri: 'http://a/', statuscode: 0}]}\n").health.https.at(0).status == 200);
}

TEST_CASE("times that are negative, signed, long or bare") {
  for (const auto& [written, read] :
       std::vector<std::pair<std::string, Duration>>{{"-5s", 0s},
                                                     {"-1", 0s},
                                                     {"+5s", 5s},
                                                     {"10.5", 10ns},
                                                     {"1e3", 1000ns},
                                                     {"0x10", 16ns},
                                                     {"1000000h", std::chrono::hours(24) * 365 * 100}}) {
    CAPTURE(written);
    CHECK(config_of("http: {draintimeout: " + written + "}\n").http.drain_timeout == read);
  }
  for (const char* wrong : {"5000000h", "-", "+", "--5s", "10S", "1d"}) {
    CAPTURE(wrong);
    CHECK(refusal_of(std::string("http: {draintimeout: ") + wrong + "}\n").contains("allowed is a time"));
  }
  CHECK(config_of("  maintenance: {uploadpurging: {interval: 1ms}}\n").storage.purging.interval == 1s);
}

TEST_CASE("headers that no reply can have are left out") {
  const std::string text = "http: {headers: {'X Y': [a], Content-Length: [5], ETag: [x], X-A: [\"a\\r\\nb\\n\"]}}\n";
  const auto headers = config_of(text).http.headers;
  REQUIRE(headers.size() == 1);
  CHECK(headers[0].second == std::vector<std::string>{"a  b"});
  CHECK(warnings_of(text).contains("http.headers: \"X Y\": without effect"));
  CHECK(warnings_of(text).contains("http.headers: ETag: without effect: the registry sets it by itself"));
}

TEST_CASE("fields of any kind, and words that are passed over") {
  CHECK(config_of("log: {fields: {'a b': [x, 1], m: {k: v}}}\n").log.fields ==
        std::vector<std::pair<std::string, std::string>>{{"a b", "[x 1]"}, {"m", "map[k:v]"}});
  CHECK(!config_of("  delete: {enabled: 1}\n").storage.delete_enabled);
  CHECK(warnings_of("  delete: {enabled: 1}\n").contains("storage.delete.enabled: neither true nor false"));
  CHECK(config_of("health: {tcp: [{addr: ':http'}]}\n").health.tcps.at(0).addr == "localhost:80");
  CHECK(config_of("redis: {addr: ':6379'}\n").redis.addrs.at(0) == "localhost:6379");
  CHECK(warnings_of("http: {debug: {prometheus: {path: metrics}}}\n").contains("there are no metrics"));
}

} // namespace
} // namespace berth::config
