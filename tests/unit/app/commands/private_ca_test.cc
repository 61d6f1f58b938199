#include "app/commands/private_ca.h"

#include <catch2/catch.hpp>

#include "app/commands/store.h"
#include "app/nginx/certificate.h"
#include "base/small_file.h"
#include "unit/temp_dir.h"

namespace berth::app {
namespace {

TEST_CASE("hosts are names and addresses, and nothing that an extension would read otherwise") {
  for (const char* good : {"localhost", "registry.example.com", "*.example.com", "127.0.0.1", "::1", "a-b_c"})
    CHECK(is_host(good));
  for (const char* bad : {"", "a:5000", "a,IP:1.2.3.4", "https://a", "a b", ".a", "-a", "a..b", "*", "a*", "[::1]"})
    CHECK_FALSE(is_host(bad));
  CHECK_FALSE(is_host(std::string(254, 'a')));
}

TEST_CASE("a certificate of the CA names its hosts, and is served") {
  const Time now = SystemClock().now();
  const auto ca = make_ca("a.test", now);
  REQUIRE(ca);
  std::vector<std::string> hosts{"a.test", "127.0.0.1", "::1"};
  hosts.emplace_back(100, 'x');
  const auto pair = make_certificate(*ca, hosts, now);
  REQUIRE(pair);
  CHECK(hosts_of(pair->certificate) == hosts);
  const test::TempDir directory;
  const std::string certificate = directory.path() + "/c", key = directory.path() + "/k";
  REQUIRE(replace_small_file(certificate, pair->certificate));
  REQUIRE(replace_small_file(key, pair->key));
  const auto read = read_certificate(certificate, key, now);
  REQUIRE(read);
  CHECK(read->ends > now + std::chrono::days(824));
  // The chain ends with what ends first.
  const auto older = make_certificate(*ca, {"b.test"}, now - std::chrono::days(800));
  REQUIRE(replace_small_file(certificate, pair->certificate + older->certificate));
  CHECK(read_certificate(certificate, key, now)->ends < now + std::chrono::days(26));
}

TEST_CASE("another's key does not sign") {
  const Time now = SystemClock().now();
  const auto one = make_ca("one", now), other = make_ca("other", now);
  CHECK_FALSE(make_certificate({one->certificate, other->key}, {"a.test"}, now));
  CHECK_FALSE(make_certificate({"none", "none"}, {"a.test"}, now));
  CHECK_FALSE(hosts_of(one->certificate));
  CHECK_FALSE(hosts_of("none"));
}

TEST_CASE("an image's name is read with its tag or digest") {
  const std::string digest = "sha256:" + std::string(64, 'a');
  CHECK(parse_image_name("team/app")->repository.str() == "team/app");
  CHECK_FALSE(parse_image_name("team/app")->reference);
  CHECK(std::get<model::Tag>(*parse_image_name("team/app:1.2")->reference).str() == "1.2");
  CHECK(std::get<model::Digest>(*parse_image_name("app@" + digest)->reference).str() == digest);
  for (const char* bad : {"App", "app:", "app@1.2", "host:5000/app", "", "app@"}) CHECK_FALSE(parse_image_name(bad));
  for (const char* begin : {"app:", "app:1@"}) CHECK_FALSE(parse_image_name(begin + digest));
}

} // namespace
} // namespace berth::app
