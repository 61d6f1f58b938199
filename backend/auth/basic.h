// The credentials of HTTP's Basic scheme, read as Go's net/http reads them. Spec: RFC 7617.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace berth::auth {

struct BasicCredentials {
  std::string user;
  std::string password; // overwritten when this goes

  BasicCredentials() = default;
  BasicCredentials(std::string user_, std::string password_) : user(std::move(user_)), password(std::move(password_)) {}
  BasicCredentials(BasicCredentials&&) = default;
  BasicCredentials& operator=(BasicCredentials&&) = default;
  ~BasicCredentials();

  // True for the empty pair that skopeo and podman send without credentials: it is no failed login.
  bool is_nobody() const { return user.empty() && password.empty(); }
};

// Whether a value of Authorization is of the scheme Basic, well formed or not.
bool is_basic(std::string_view authorization);

// `Basic <base64>`: the scheme in any case, exactly one blank, padded base64 of the standard alphabet. The user ends at
// the first colon. Errors: invalid for anything else; they tell nothing of the value.
Result<BasicCredentials> parse_basic(std::string_view authorization);

} // namespace berth::auth
