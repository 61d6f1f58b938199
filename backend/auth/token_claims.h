// TokenClaims: what a token says whose signature was verified.
// Spec: RFC 7519 section 4.1; docker/distribution, docs/spec/auth.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "auth/access.h"
#include "base/result.h"

namespace berth::auth {

// How far the clocks of the issuer and of this host may be apart.
inline constexpr std::chrono::seconds clock_leeway{60};

struct TokenClaims {
  struct Resource {
    std::string type, name;
    std::vector<std::string> actions;
  };

  std::string subject; // may be empty
  std::chrono::sys_seconds expires;
  std::optional<std::chrono::sys_seconds> not_before;
  std::vector<Resource> access;

  // Refuses what is no JSON object or names a member twice, another issuer or audience, a token that never expires,
  // times that are no integers or before 1970 or after 9999. iat, jti and typ are not looked at.
  // Errors: unauthorized, with the reason.
  static Result<TokenClaims> parse(std::string_view json, std::string_view issuer, std::string_view service);

  // Within clock_leeway. Errors: unauthorized.
  Result<> check_time(std::chrono::sys_seconds now) const;
  // Whether an entry for exactly this resource has the action, or `*`.
  bool allow(std::string_view type, std::string_view name, std::string_view action) const;
};

} // namespace berth::auth
