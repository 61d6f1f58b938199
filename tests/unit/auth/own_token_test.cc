#include <catch2/catch.hpp>

#include "auth/caller_text.h"
#include "auth/own_token.h"

using namespace berth;
using namespace berth::auth;
using std::chrono::seconds;
using std::chrono::sys_seconds;

namespace {

constexpr sys_seconds now{seconds(1'800'000'000)};

OwnToken full() {
  Caller caller{"ci", "stamp1", Caller::Kind::workload, {"developers", "ops"}, "github", {{"repository", "acme/app"}}};
  caller.bounds = {{"push", "team/**"}, {"pull", "**"}};
  return {OwnToken::Use::access,
          std::move(caller),
          {{"repository", "team/app", "pull"}, {"repository", "team/app", "push"}, {"registry", "catalog", "*"}},
          now,
          now + seconds(900)};
}

std::string reason(const OwnTokens& tokens, const std::string& text, OwnToken::Use use = OwnToken::Use::access,
                   sys_seconds at = now) {
  const auto read = tokens.read(text, use, at);
  REQUIRE_FALSE(read);
  CHECK(read.error().code == Code::unauthorized);
  CHECK_FALSE(read.error().message.empty());
  CHECK(read.error().message.find(text) == std::string::npos);
  return read.error().message;
}

} // namespace

TEST_CASE("an own token says what was signed, to whoever has the secret") {
  const OwnTokens tokens("secret");
  const auto text = tokens.sign(full());
  REQUIRE(text);
  CHECK(OwnTokens::is_one(*text));
  CHECK_FALSE(OwnTokens::is_one("eyJhbGciOiJSUzI1NiJ9.e30.AAAA"));
  CHECK(text->find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.") ==
        std::string::npos);
  CHECK(text->size() - text->rfind('.') == 44); // the tail that nginx knows a token by is the whole MAC

  const auto read = OwnTokens("secret").read(*text, OwnToken::Use::access, now);
  REQUIRE(read);
  CHECK(read->caller.user == "ci");
  CHECK(read->caller.stamp == "stamp1");
  CHECK(read->caller.kind == Caller::Kind::workload);
  CHECK(read->caller.groups == full().caller.groups);
  CHECK(read->caller.issuer == "github");
  CHECK(read->caller.claims == full().caller.claims);
  CHECK(read->caller.bounds == full().caller.bounds);
  CHECK(read->scopes == full().scopes);
  CHECK(read->issued == now);
  CHECK(read->expires == now + seconds(900));

  CHECK(read->covers("repository", "team/app", "push"));
  CHECK(read->covers("registry", "catalog", "*"));
  CHECK_FALSE(read->covers("repository", "team/app", "delete"));
  CHECK_FALSE(read->covers("repository", "team", "pull"));
  CHECK_FALSE(read->covers("registry", "team/app", "pull"));
}

TEST_CASE("nobody's token is nobody's, and covers nothing") {
  const OwnTokens tokens("secret");
  const auto read =
      tokens.read(*tokens.sign({OwnToken::Use::access, {}, {}, now, now + seconds(60)}), OwnToken::Use::access, now);
  REQUIRE(read);
  CHECK(read->caller.is_nobody());
  CHECK_FALSE(read->covers("repository", "team/app", "pull"));
}

TEST_CASE("an own token is refused by another secret, after its time, for another use, and if a letter differs") {
  const OwnTokens tokens("secret");
  const std::string text = *tokens.sign(full());
  CHECK(reason(OwnTokens("Secret"), text) == "not signed by this registry");
  CHECK(tokens.read(text, OwnToken::Use::access, now + seconds(899)));
  CHECK(reason(tokens, text, OwnToken::Use::access, now + seconds(900)) == "it has expired");
  CHECK(reason(tokens, text, OwnToken::Use::refresh) == "not for this use");
  for (std::size_t at = 0; at < text.size(); ++at) {
    std::string other = text;
    other[at] = other[at] == 'A' ? 'B' : 'A';
    CHECK_FALSE(tokens.read(other, OwnToken::Use::access, now));
  }
  const std::string long_one = "b1." + std::string(max_own_token_bytes, 'A');
  for (const std::string& other :
       {long_one, std::string("b1."), std::string("b1.."), std::string("b1"), std::string(), text + "=", text + ".",
        text.substr(0, text.size() - 1), " " + text, text.substr(0, text.rfind('.'))}) {
    CAPTURE(other);
    CHECK_FALSE(tokens.read(other, OwnToken::Use::access, now));
  }
}

TEST_CASE("what fits into no token is not signed") {
  const OwnTokens tokens("secret");
  OwnToken token = full();
  token.caller.user = "\xff";
  CHECK(tokens.sign(token).error().code == Code::bad_request);
  token = full();
  token.caller.groups.assign(400, "a group with a long name");
  CHECK(tokens.sign(token).error().code == Code::bad_request);
}

TEST_CASE("a caller is the same as a text") {
  for (Caller caller : {Caller{}, Caller{"alice", "s"}, full().caller}) {
    const auto read = read_caller(caller_text(caller));
    REQUIRE(read);
    CHECK(read->user == caller.user);
    CHECK(read->stamp == caller.stamp);
    CHECK(read->kind == caller.kind);
    CHECK(read->groups == caller.groups);
    CHECK(read->issuer == caller.issuer);
    CHECK(read->claims == caller.claims);
    CHECK(read->bounds == caller.bounds);
  }
  CHECK(caller_text({}).empty());
  CHECK(caller_text({"\xff", "s"}).empty());
  for (const std::string_view other :
       {"x", "[]", R"({"sub":1})", R"({"sub":"a"})", R"({"sub":"a","kind":"king"})",
        R"({"sub":"a","kind":"user","bounds":[["push"]]})", R"({"sub":"a","kind":"user","bounds":{"a":1}})"}) {
    CAPTURE(other);
    CHECK(read_caller(other).error().code == Code::unauthorized);
  }
}
