// Tokens of the v1 API.
#include <catch2/catch.hpp>

#include "api/v1/tokens.h"

using namespace berth;
using namespace berth::api::v1;

namespace {

struct SetClock final : Clock {
  Time now() const override { return time; }
  Time time = parse_rfc3339("2024-01-02T03:04:05Z").value();
};

} // namespace

TEST_CASE("a token is known again in every form that clients send it") {
  SetClock clock;
  const TokenSigner signer("secret", clock);
  const std::string token = signer.sign({"team/app", TokenAccess::write});
  CHECK(token.starts_with("Token signature="));
  CHECK(token.ends_with(",repository=\"team/app\",access=write,expires=1704251045"));
  for (const std::string& text :
       {token, "Token " + token, "token " + token, token.substr(6), "Token signature=" + token.substr(16)}) {
    CAPTURE(text);
    const auto known = signer.verify(text);
    REQUIRE(known);
    CHECK(known->repository == "team/app");
    CHECK(known->access == TokenAccess::write);
  }
  CHECK(signer.verify(signer.sign({"a", TokenAccess::read}))->access == TokenAccess::read);
}

TEST_CASE("a token that was changed, is of another key or too old is refused") {
  SetClock clock;
  const TokenSigner signer("secret", clock);
  const std::string token = signer.sign({"team/app", TokenAccess::read});
  std::string other = token;
  for (const auto& [from, to] :
       {std::pair<std::string, std::string>{"team/app", "team/apq"}, {"=read", "=write"}, {"expires=1", "expires=9"}}) {
    std::string changed = token;
    changed.replace(changed.find(from), from.size(), to);
    CHECK(signer.verify(changed).error().code == Code::unauthorized);
  }
  for (const std::string text :
       {"", "Token", "Token signature=,repository=\"a\",access=read,expires=9999999999", "x=y"})
    CHECK_FALSE(signer.verify(text));
  CHECK_FALSE(TokenSigner("Secret", clock).verify(token));
  clock.time += TokenSigner::lifetime - std::chrono::seconds(1);
  CHECK(signer.verify(token));
  clock.time += std::chrono::seconds(1);
  CHECK(signer.verify(token).error().code == Code::unauthorized);
}
