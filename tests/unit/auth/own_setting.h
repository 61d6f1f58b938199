// What the tests of berth's own access control share: rules, users and a clock.
#pragma once

#include <catch2/catch.hpp>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "auth/rules_access.h"
#include "base/encoding.h"
#include "unit/auth/setting.h"

namespace berth::test {

inline constexpr std::string_view origin = "https://registry.example:5000";

// Knows names with their passwords and stamps.
class Names final : public auth::IdentitySource {
public:
  std::optional<Result<auth::Caller>> identify(const auth::Login& login) override {
    if (next) return fail(*next);
    const auto password = passwords.find(std::string(login.user));
    if (password == passwords.end()) return std::nullopt;
    if (password->second != login.password) return fail(Code::unauthorized);
    auth::Caller caller{password->first, stamps.at(password->first)};
    caller.bounds = bounds[password->first];
    return caller;
  }
  std::optional<bool> is_current(const auth::Caller& caller) override {
    const auto stamp = stamps.find(caller.user);
    if (stamp == stamps.end()) return std::nullopt;
    return stamp->second == caller.stamp;
  }

  std::map<std::string, std::string> passwords{
      {"alice", "secret"}, {"bob", "builder"}, {"carol", "reader"}, {"ci", "robot"}};
  std::map<std::string, std::string> stamps{
      {"alice", "s-alice"}, {"bob", "s-bob"}, {"carol", "s-carol"}, {"ci", "s-ci"}};
  std::map<std::string, std::vector<auth::Bound>> bounds;
  std::optional<Code> next; // of every login
};

inline std::string basic(const std::string& pair) {
  std::string text = to_base64url(pair);
  std::ranges::replace(text, '-', '+');
  std::ranges::replace(text, '_', '/');
  return "Basic " + text;
}

inline std::vector<auth::WrittenRule> some_rules() {
  return {{"", "anyone", {"public/**"}, {"pull"}},
          {"", "user:alice", {"team/**"}, {"push"}},
          {"", "user:bob", {"team/**"}, {"add"}},
          {"", "user:ci", {"**"}, {"all"}}};
}

struct OwnSetting {
  explicit OwnSetting(std::vector<auth::WrittenRule> rules = some_rules(), std::chrono::seconds refresh = {}) {
    auto names = std::make_unique<Names>();
    source = names.get();
    auth::WrittenRules written;
    written.rules = std::move(rules);
    auth::RulesAccess::Parts parts{.rules = auth::Rules::make(written).value(), .sources = {}, .secret = "secret"};
    parts.sources.push_back(std::move(names));
    parts.refresh_lifetime = refresh;
    access = std::make_unique<auth::RulesAccess>(std::move(parts), clock);
  }

  std::expected<auth::Grant, auth::Refusal> ask(const std::string& authorization, auth::Right right,
                                                const std::string& repository = {}) {
    return access->authorize({.credentials = {.authorization = authorization, .time = clock.now()},
                              .needed = {},
                              .origin = origin,
                              .right = right,
                              .repository = repository});
  }
  std::expected<auth::IssuedToken, auth::Refusal> issue(const std::string& authorization,
                                                        std::vector<std::string> scopes = {}) {
    return access->issue({.credentials = {.authorization = authorization, .time = clock.now()},
                          .scopes = std::move(scopes),
                          .origin = origin});
  }
  std::string token(const std::string& authorization, std::vector<std::string> scopes) {
    const auto issued = issue(authorization, std::move(scopes));
    REQUIRE(issued);
    return issued->token;
  }

  SetClock clock;
  Names* source;
  std::unique_ptr<auth::RulesAccess> access;
};

// Without a code: it is granted.
inline void check_refused(const std::expected<auth::Grant, auth::Refusal>& outcome, std::optional<Code> code,
                          std::string_view challenge) {
  REQUIRE(outcome.has_value() == !code.has_value());
  if (!code) return;
  CHECK(outcome.error().error.code == *code);
  CHECK(outcome.error().error.message.empty());
  CHECK(outcome.error().challenge == challenge);
}

} // namespace berth::test
