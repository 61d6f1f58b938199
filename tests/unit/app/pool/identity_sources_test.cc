// The sources that a config asks for: which, and in which order.
#include "app/pool/identity_sources.h"

#include <catch2/catch.hpp>

#include "unit/auth/setting.h"

using namespace berth;

namespace {

struct Local final : auth::IdentitySource {
  std::optional<Result<auth::Caller>> identify(const auth::Login&) override { return std::nullopt; }
  std::optional<bool> is_current(const auth::Caller&) override { return std::nullopt; }
};

struct Setting {
  Result<app::IdentitySources> make(const config::AccessRules& config) {
    app::IdentitySources local;
    local.push_back(std::make_unique<Local>());
    first_local = local.front().get();
    return app::identity_sources_of(config, std::move(local), clock, random, log);
  }
  std::string complaint(const config::AccessRules& config) {
    const auto made = make(config);
    return made ? std::string() : made.error().message;
  }
  test::SetClock clock;
  SystemRandom random;
  test::KeptLog log;
  const auth::IdentitySource* first_local = nullptr;
};

} // namespace

TEST_CASE("tokens of workloads are asked about first, a directory last") {
  Setting setting;
  config::AccessRules config;
  auto sources = setting.make(config);
  REQUIRE(sources);
  CHECK(sources->size() == 1);
  config.issuers.push_back({{}, "github", "https://token.example", "registry", {}, {}});
  config.ldap.url = "ldap://ldap.example";
  config.ldap.base = "dc=example";
  sources = setting.make(config);
  REQUIRE(sources);
  REQUIRE(sources->size() == 3);
  CHECK((*sources)[1].get() == setting.first_local);
  CHECK((*sources)[0]->identify({.user = "alice", .password = "eyJ.eyJ.x"}).has_value());
  CHECK_FALSE((*sources)[0]->identify({.user = "alice", .password = "secret"}).has_value());
  CHECK((*sources)[2]->identify({.user = "alice", .password = ""}).has_value());
  CHECK(setting.log.take() ==
        std::vector<std::string>{"warn: berth.access.ldap: passwords go to the directory in clear; use ldaps:// or "
                                 "starttls url=ldap://ldap.example"});
}

TEST_CASE("what cannot be had is refused by its key") {
  Setting setting;
  config::AccessRules both;
  both.saslauthd = "/run/saslauthd/mux";
  CHECK(setting.complaint(both).empty());
  both.ldap.url = "ldaps://ldap.example";
  both.ldap.base = "dc=example";
  CHECK(setting.complaint(both).starts_with("berth.access: saslauthd or ldap"));
  both.saslauthd.clear();
  CHECK(setting.complaint(both).empty());
  both.ldap.base.clear();
  CHECK(setting.complaint(both).starts_with("berth.access.ldap.base: "));
  config::AccessRules issuer;
  issuer.issuers.push_back({{}, "github", "http://token.example", "registry", {}, {}});
  CHECK(setting.complaint(issuer).starts_with("berth.access.issuers.github.url: "));
}
