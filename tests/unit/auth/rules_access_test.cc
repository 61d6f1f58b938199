#include "auth/rules_access.h"

#include <catch2/catch.hpp>

#include "auth/robots.h"
#include "unit/auth/own_setting.h"

using namespace berth;
using namespace berth::auth;
using namespace berth::test;

namespace {

constexpr std::string_view bearer = R"(Bearer realm="https://registry.example:5000/v2/token",)"
                                    R"(service="registry.example:5000")";

} // namespace

TEST_CASE("own rules: nobody is asked at /v2/, always, and let in with any credentials or token") {
  for (const char* repositories : {"public/**", "**"}) {
    OwnSetting setting({{"", "anyone", {repositories}, {"pull"}}});
    for (const std::string& nobody : {std::string(), std::string("Basic Og==")})
      check_refused(setting.ask(nobody, Right::known), Code::unauthorized, bearer);
    CHECK(setting.ask(basic("alice:secret"), Right::known)->caller.user == "alice");
    CHECK(setting.ask("Bearer " + setting.token({}, {}), Right::known)->caller.is_nobody());
    CHECK(setting.ask("Bearer " + setting.token(basic("alice:secret"), {}), Right::known)->caller.user == "alice");
  }
}

TEST_CASE("own rules: who may, who is asked for credentials, and who is told no") {
  OwnSetting setting;
  const std::string alice = basic("alice:secret"), bob = basic("bob:builder");
  CHECK(setting.ask("", Right::pull, "public/a"));
  CHECK(setting.ask("Basic Og==", Right::pull, "public/a"));
  check_refused(setting.ask("", Right::pull, "team/app"), Code::unauthorized,
                std::string(bearer) + R"(,scope="repository:team/app:pull")");
  check_refused(setting.ask("", Right::push, "public/a"), Code::unauthorized,
                std::string(bearer) + R"(,scope="repository:public/a:pull,push")");
  check_refused(setting.ask("", Right::remove, "public/a"), Code::unauthorized,
                std::string(bearer) + R"(,scope="repository:public/a:delete")");
  check_refused(setting.ask("", Right::catalog), std::nullopt, "");

  CHECK(setting.ask(alice, Right::push, "team/app")->may_move_tags);
  CHECK_FALSE(setting.ask(bob, Right::push, "team/app")->may_move_tags); // add
  CHECK(setting.ask(alice, Right::pull, "public/a"));
  check_refused(setting.ask(alice, Right::remove, "team/app"), Code::denied, "");
  check_refused(setting.ask(bob, Right::pull, "secret/app"), Code::denied, "");
  check_refused(setting.ask(alice, Right::pull, "UPPER"), Code::denied, "");
  CHECK(setting.ask(bob, Right::pull, "secret/app").error().user == "bob"); // for the access log
  CHECK(setting.ask("", Right::push, "public/a").error().user.empty());
}

TEST_CASE("own rules: credentials that are wrong are refused, whatever they are for") {
  OwnSetting setting;
  for (const Right right : {Right::known, Right::catalog, Right::pull})
    for (const std::string& wrong : {basic("alice:wrong"), basic("nobody:x"), basic(":x"), std::string("Basic !"),
                                     std::string("Digest x"), std::string("Bearer")}) {
      CAPTURE(wrong);
      const auto outcome = setting.ask(wrong, right, right == Right::pull ? "public/a" : "");
      REQUIRE_FALSE(outcome);
      CHECK(outcome.error().error.code == Code::unauthorized);
      CHECK(outcome.error().challenge.find("error=") == std::string::npos);
    }
  for (const std::string token : {"x", "b1.x.y", "eyJ.e30.x"})
    check_refused(setting.ask("Bearer " + token, Right::pull, "public/a"), Code::unauthorized,
                  std::string(bearer) + R"(,scope="repository:public/a:pull",error="invalid_token")");
  setting.source->next = Code::too_many_requests;
  check_refused(setting.ask(basic("alice:secret"), Right::known), Code::too_many_requests, "");
  setting.source->next = Code::unavailable;
  check_refused(setting.ask(basic("alice:secret"), Right::known), Code::unavailable, "");
}

TEST_CASE("own rules: clients of v1 are asked for a password") {
  OwnSetting setting;
  const auto outcome = setting.access->authorize({.credentials = {},
                                                  .origin = origin,
                                                  .right = Right::pull,
                                                  .repository = "team/app",
                                                  .scheme = Question::Scheme::basic});
  check_refused(outcome, Code::unauthorized, R"(Basic realm="registry.example:5000")");
}

TEST_CASE("own tokens: the scope bounds, and today's rules decide") {
  OwnSetting setting;
  const std::string alice = basic("alice:secret");
  const std::string pull = "Bearer " + setting.token(alice, {"repository:team/app:pull"});
  CHECK(setting.ask(pull, Right::pull, "team/app"));
  check_refused(setting.ask(pull, Right::push, "team/app"), Code::unauthorized,
                std::string(bearer) + R"(,scope="repository:team/app:pull,push",error="insufficient_scope")");
  check_refused(setting.ask(pull, Right::pull, "team/other"), Code::unauthorized,
                std::string(bearer) + R"(,scope="repository:team/other:pull",error="insufficient_scope")");
  check_refused(setting.ask(pull, Right::remove, "team/app"), Code::denied, ""); // no token would do
  check_refused(setting.ask(pull, Right::catalog), Code::unauthorized,
                std::string(bearer) + R"(,scope="registry:catalog:*",error="insufficient_scope")");
  const std::string nobody = "Bearer " + setting.token("", {"repository:public/a:pull,push"});
  CHECK(setting.ask(nobody, Right::pull, "public/a"));
  check_refused(setting.ask(nobody, Right::push, "public/a"), Code::unauthorized,
                std::string(bearer) + R"(,scope="repository:public/a:pull,push",error="insufficient_scope")");

  OwnSetting later({{"", "anyone", {"public/**"}, {"pull"}}}); // the same secret: alice lost her rights
  check_refused(later.ask(pull, Right::pull, "team/app"), Code::denied, "");
}

TEST_CASE("own tokens end with their time, and at once when their owner changes or is gone") {
  OwnSetting setting;
  const std::string token = "Bearer " + setting.token(basic("alice:secret"), {"repository:team/app:pull"});
  const auto state = [&] { return setting.ask(token, Right::pull, "team/app").has_value(); };
  CHECK(state());
  setting.source->stamps["alice"] = "another";
  CHECK_FALSE(state());
  setting.source->stamps.erase("alice");
  CHECK_FALSE(state());
  setting.source->stamps["alice"] = "s-alice";
  setting.clock.pass(std::chrono::seconds(899));
  CHECK(state());
  setting.clock.pass(std::chrono::seconds(1));
  check_refused(setting.ask(token, Right::known), Code::unauthorized,
                std::string(bearer) + R"(,error="invalid_token")");
}

TEST_CASE("own rules: what may be read besides, by rules and by the token's scopes") {
  OwnSetting setting;
  const auto may_pull = [&](const std::string& authorization, const char* name, Right right = Right::push) {
    const auto grant = setting.ask(authorization, right, right == Right::catalog ? "" : "team/app");
    REQUIRE(grant);
    REQUIRE(grant->may_pull);
    return grant->may_pull(model::RepositoryName::parse(name).value());
  };
  const std::string alice = basic("alice:secret");
  CHECK(may_pull(alice, "team/other"));
  CHECK(may_pull(alice, "public/a"));
  CHECK_FALSE(may_pull(alice, "secret/app"));
  const std::string token = "Bearer " + setting.token(alice, {"repository:team/app:pull,push", "registry:catalog:*"});
  CHECK(may_pull(token, "team/app"));
  CHECK_FALSE(may_pull(token, "team/other"));
  CHECK(may_pull(token, "team/other", Right::catalog)); // a list is no matter of scopes
  CHECK_FALSE(may_pull(token, "secret/app", Right::catalog));

  OwnSetting open({{"", "anyone", {"**"}, {"pull"}}});
  CHECK(open.ask("", Right::pull, "a")->may_pull == nullptr);
}

TEST_CASE("own rules: the challenge of a mount names where it reads from, and no other does") {
  OwnSetting setting;
  const std::vector<Access> needed{
      {"repository", "team/app", "pull"}, {"repository", "team/app", "push"}, {"repository", "other/repo", "pull"}};
  const auto challenge = [&](Right right) {
    return setting.access
        ->authorize({.credentials = {}, .needed = needed, .origin = origin, .right = right, .repository = "team/app"})
        .error()
        .challenge;
  };
  CHECK(challenge(Right::push) ==
        std::string(bearer) + R"(,scope="repository:team/app:pull,push repository:other/repo:pull")");
  CHECK(challenge(Right::pull) == std::string(bearer) + R"(,scope="repository:team/app:pull")");
}

TEST_CASE("own rules: a robot may what its rules and its bounds allow, with a password or a token") {
  OwnSetting setting;
  setting.source->bounds["ci"] = {{"push", "team/**"}, {"pull", "public/*"}};
  const std::string login = basic("ci:robot");
  for (const std::string& authorization :
       {login, "Bearer " + setting.token(login, {"repository:team/app:*", "repository:public/a:*",
                                                 "repository:tools/x:pull,push"})}) {
    CHECK(setting.ask(authorization, Right::push, "team/app"));
    CHECK(setting.ask(authorization, Right::pull, "public/a"));
    check_refused(setting.ask(authorization, Right::push, "public/a"), Code::denied, "");
    check_refused(setting.ask(authorization, Right::pull, "tools/x"), Code::denied, ""); // the rules alone would let it
  }
}

TEST_CASE("own rules: an image of v1, whose path names no repository, is judged by what may be done anywhere") {
  OwnSetting setting;
  CHECK(setting.ask("", Right::pull)->may_pull != nullptr);
  check_refused(setting.ask("", Right::push), Code::unauthorized, bearer);
  CHECK(setting.ask(basic("alice:secret"), Right::push));
  check_refused(setting.ask(basic("carol:reader"), Right::push), Code::denied, "");
  setting.source->bounds["ci"] = {{"pull", "**"}};
  check_refused(setting.ask(basic("ci:robot"), Right::push), Code::denied, "");
  const Caller alice{"alice", "s-alice"}, gone{"alice", "before"}, nobody;
  const auto vouched = [&](const Caller& caller) {
    return setting.access->authorize(
        {.credentials = {.vouched = &caller}, .origin = origin, .right = Right::pull, .repository = "team/app"});
  };
  CHECK(vouched(alice));
  CHECK_FALSE(vouched(gone));
  CHECK_FALSE(vouched(nobody));
}
