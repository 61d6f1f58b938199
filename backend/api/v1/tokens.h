// Tokens of the v1 API: what a client is given with a repository and sends with the requests for its images. Over http
// a docker client sends its password with the first only; the token is what the rest is known by.
// Form: `Token signature=<hmac>,repository="<name>",access=<read or write>,expires=<unix seconds>`; with access
// control `subject="<auth::caller_text, in base64url>"` stands before expires.
#pragma once

#include <string>
#include <string_view>

#include "auth/access.h"
#include "base/clock.h"
#include "base/result.h"

namespace berth::api::v1 {

enum class TokenAccess { read, write };

struct Token {
  std::string repository;
  TokenAccess access = TokenAccess::read;
  auth::Caller caller = {}; // the caller it was given to; anonymous without access control
};

// Threads: safe. Borrows: clock.
class TokenSigner {
public:
  // How long a token lasts: longer than any push.
  static constexpr std::chrono::hours lifetime{24};

  // Requires: the secret is not empty, or anybody could sign.
  TokenSigner(std::string secret, const Clock& clock) : secret_(std::move(secret)), clock_(clock) {}

  std::string sign(const Token& token) const;
  // text: an Authorization header, or a token. Errors: unauthorized for what this secret did not sign, or is too old.
  Result<Token> verify(std::string_view text) const;

private:
  std::string signature_of(const Token& token, std::string_view subject, std::string_view expires) const;

  std::string secret_;
  const Clock& clock_;
};

} // namespace berth::api::v1
