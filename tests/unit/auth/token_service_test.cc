// /v2/token behind the endpoint: what RulesAccess gives to whom.
#include <catch2/catch.hpp>

#include "unit/auth/own_setting.h"

using namespace berth;
using namespace berth::auth;
using namespace berth::test;

namespace {

using Scopes = std::vector<Access>;

const std::string alice = basic("alice:secret");

Scopes scopes_in(const OwnSetting& setting, const std::string& token) {
  const auto read = OwnTokens("secret").read(token, OwnToken::Use::access,
                                             std::chrono::floor<std::chrono::seconds>(setting.clock.now()));
  REQUIRE(read);
  return read->scopes;
}

void check_unauthorized(const std::expected<IssuedToken, Refusal>& outcome) {
  REQUIRE_FALSE(outcome);
  CHECK(outcome.error().error.code == Code::unauthorized);
  CHECK(outcome.error().error.message.empty());
  CHECK(outcome.error().challenge == R"(Basic realm="registry.example:5000")");
}

} // namespace

TEST_CASE("token service: a login without a scope") {
  OwnSetting setting;
  const auto right = setting.issue(alice);
  REQUIRE(right);
  CHECK(right->user == "alice");
  CHECK(right->lifetime == std::chrono::seconds(900));
  CHECK(right->issued == setting.clock.now());
  CHECK(right->refresh_token.empty());
  for (const std::string& wrong : {basic("alice:wrong"), basic("nobody:x"), std::string("Basic !"),
                                   std::string("Bearer x"), "Bearer " + right->token})
    check_unauthorized(setting.issue(wrong));
  CHECK(setting.issue("")->user.empty());
  CHECK(setting.issue("Basic Og=="));
  OwnSetting closed({{"", "signed-in", {"**"}, {"pull"}}});
  check_unauthorized(closed.issue(""));
  check_unauthorized(closed.issue("", {"repository:a:pull"}));
}

TEST_CASE("token service: what is asked for beyond the rules is not given, and no error") {
  OwnSetting setting;
  const auto given = [&](const std::string& authorization, std::vector<std::string> asked) {
    return scopes_in(setting, setting.token(authorization, std::move(asked)));
  };
  const auto app = [](const char* action) { return Access{"repository", "team/app", action}; };
  CHECK(given(alice, {"repository:team/app:pull,push,delete"}) == Scopes{app("pull"), app("push")});
  CHECK(given(alice, {"repository:team/app:*"}) == Scopes{app("pull"), app("push")});
  CHECK(given(basic("bob:builder"), {"repository:team/app:push"}) == Scopes{app("push")}); // add
  CHECK(given(alice, {"repository:secret/app:pull", "repository:UPPER:pull", "repository:host:5000/a:pull"}).empty());
  CHECK(given(alice, {"repository(plugin):team/app:pull"}) == Scopes{app("pull")});
  CHECK(given(alice, {"repository:team/app:pull", "repository:team/app:push,pull"}) ==
        Scopes{app("pull"), app("push")});
  CHECK(given("", {"registry:catalog:*"}) == Scopes{{"registry", "catalog", "*"}});
  CHECK(given(alice, {"registry:other:*", "repository:team/app:", "unknown:team/app:pull"}).empty());
  CHECK(given("", {"repository:public/a:pull,push"}) == Scopes{{"repository", "public/a", "pull"}});
  for (const std::string unreadable : {"x", "repository:team/app", ":a:pull", ""}) {
    CAPTURE(unreadable);
    CHECK(setting.issue(alice, {unreadable}).error().error.code == Code::bad_request);
  }
}

TEST_CASE("token service: more scopes than a token holds are left out") {
  OwnSetting setting;
  std::vector<std::string> asked;
  for (int number = 0; number < 90; ++number)
    asked.push_back("repository:team/" + std::string(200, 'a') + std::to_string(number) + ":pull");
  const std::string token = setting.token(alice, asked);
  CHECK(token.size() <= max_own_token_bytes);
  CHECK(scopes_in(setting, token).size() > 10);
}

TEST_CASE("token service: the account must be who logs in") {
  OwnSetting setting;
  const auto as = [&](std::string_view account, std::string_view authorization) {
    return setting.access->issue({.credentials = {.authorization = authorization, .time = setting.clock.now()},
                                  .account = account,
                                  .scopes = {},
                                  .origin = origin});
  };
  CHECK(as("alice", alice));
  check_unauthorized(as("bob", alice));
  CHECK(as("alice", "")); // docker names it, and has no password
}

TEST_CASE("token service: refresh tokens, where there are some") {
  const auto ask = [](OwnSetting& setting, std::string_view authorization, std::string_view refresh) {
    return setting.access->issue({.credentials = {.authorization = authorization, .time = setting.clock.now()},
                                  .refresh_token = refresh,
                                  .scopes = {"repository:team/app:pull"},
                                  .offline = true,
                                  .origin = origin});
  };
  OwnSetting without;
  CHECK(ask(without, alice, "")->refresh_token.empty());

  OwnSetting setting(some_rules(), std::chrono::hours(24));
  CHECK(setting.issue(alice)->refresh_token.empty()); // not asked for
  CHECK(ask(setting, "", "")->refresh_token.empty());
  const std::string refresh = ask(setting, alice, "")->refresh_token;
  REQUIRE_FALSE(refresh.empty());
  CHECK_FALSE(setting.ask("Bearer " + refresh, Right::known));
  check_unauthorized(ask(without, "", refresh));
  setting.clock.pass(std::chrono::hours(23));
  const auto again = ask(setting, "", refresh);
  REQUIRE(again);
  CHECK(again->user == "alice");
  CHECK(again->refresh_token.empty()); // or it would never end
  CHECK(scopes_in(setting, again->token) == Scopes{{"repository", "team/app", "pull"}});
  check_unauthorized(ask(setting, "", again->token));
  setting.source->stamps["alice"] = "another";
  check_unauthorized(ask(setting, "", refresh));
  setting.source->stamps["alice"] = "s-alice";
  setting.clock.pass(std::chrono::hours(1));
  check_unauthorized(ask(setting, "", refresh));
}
