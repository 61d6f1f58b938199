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
#include "model/strict_json.h"

namespace berth::auth {

// How far the clocks of the issuer and of this host may be apart.
inline constexpr std::chrono::seconds clock_leeway{60};

// When something is, as a claim says; nothing if it is absent or null. Errors: unauthorized for what is no integer, or
// before 1970 or after 9999.
Result<std::optional<std::chrono::sys_seconds>> time_claim(const model::Json& claims, const char* name);

// What every token is judged by.
struct RegisteredClaims {
  std::string subject; // may be empty
  std::chrono::sys_seconds expires;
  std::optional<std::chrono::sys_seconds> not_before;

  // Refuses another issuer or audience, a token that never expires, times that are none.
  // Errors: unauthorized, with the reason.
  static Result<RegisteredClaims> parse(const model::Json& claims, std::string_view issuer, std::string_view audience);
  // Within clock_leeway. Errors: unauthorized.
  Result<> check_time(std::chrono::sys_seconds now) const;
};

struct TokenClaims : RegisteredClaims {
  struct Resource {
    std::string type, name;
    std::vector<std::string> actions;
  };

  std::vector<Resource> access;

  // Refuses what is no JSON object or names a member twice, and what RegisteredClaims refuses. iat, jti and typ are not
  // looked at.
  // Errors: unauthorized, with the reason.
  static Result<TokenClaims> parse(std::string_view json, std::string_view issuer, std::string_view service);

  // Whether an entry for exactly this resource has the action, or `*`.
  bool allow(std::string_view type, std::string_view name, std::string_view action) const;
};

} // namespace berth::auth
