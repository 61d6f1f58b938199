// OwnToken: what the built-in token service gives out, and only this registry reads: `b1.PAYLOAD.MAC`, both base64url
// without padding. No JWT: there is no algorithm to choose and no key to name. The payload is JSON, the MAC is
// HMAC-SHA256 under a key that HKDF derives from http.secret, which the pools of a fleet share.
// Threads: safe.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "auth/access.h"
#include "base/result.h"

namespace berth::auth {

// Most are of 300 bytes. Names of groups and of scopes may be long; nginx takes header lines up to 16 KiB.
inline constexpr std::size_t max_own_token_bytes = 8192;

struct OwnToken {
  enum class Use { access, refresh } use = Use::access;
  Caller caller;              // anonymous for an anonymous token
  std::vector<Access> scopes; // what was asked for and granted; the token is good for no more
  std::chrono::sys_seconds issued, expires;

  bool covers(std::string_view type, std::string_view name, std::string_view action) const;
};

class OwnTokens {
public:
  // Requires: the secret is not empty.
  explicit OwnTokens(std::string_view secret);

  // Whether a text has the form of such a token, good or bad.
  static bool is_one(std::string_view text);

  // Errors: bad_request if it would be longer than max_own_token_bytes, or holds a text that is no UTF-8.
  Result<std::string> sign(const OwnToken& token) const;
  // Errors: unauthorized, with the reason: another MAC, another form, expired, not for this use.
  Result<OwnToken> read(std::string_view text, OwnToken::Use use, std::chrono::sys_seconds now) const;

private:
  std::array<unsigned char, 32> key_;
};

} // namespace berth::auth
