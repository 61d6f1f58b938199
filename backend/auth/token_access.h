// TokenAccess: docker/distribution's `auth.token`. Another server gives out tokens and says in them what their holders
// may do; here they are verified. A refusal is always 401, with a challenge that says where to get a token.
// Spec: RFC 6750; docker/distribution, docs/spec/auth, registry/auth/token of 2.8 and of 3.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "auth/access.h"
#include "auth/key_files.h"
#include "auth/token_claims.h"
#include "base/guarded.h"
#include "base/log.h"
#include "base/lru_map.h"
#include "base/result.h"

namespace berth::auth {

class TokenAccess final : public AccessController {
public:
  // The values of auth.token. Required: realm, service, issuer, and one of the paths.
  struct Options {
    std::string realm, service, issuer;
    std::string bundle_path = {}, jwks_path = {};
    std::vector<std::string> algorithms = {}; // signingalgorithms; empty: all of signature_algorithms
    bool auto_redirect = false;               // the realm is auto_redirect_path on the host that the client asked
    std::string auto_redirect_path = "/auth/token";
  };

  // Reads the files, and reads them again when they change. Borrows: logger.
  // Errors: invalid, not_found, not_permitted, io; the message begins with the key of the configuration.
  static Result<std::unique_ptr<TokenAccess>> make(Options options, Logger& logger);

  // Never denied (403), only unauthorized. Vouched credentials are not accepted. The grant's user is the token's
  // subject, which may be empty.
  std::expected<Grant, Refusal> authorize(const Question& question) override;

private:
  struct Verified {
    std::shared_ptr<const KeySet> keys;   // that it was verified with
    std::chrono::sys_seconds from, until; // of the key
    TokenClaims claims;
  };
  using VerifiedToken = std::shared_ptr<const Verified>;

  TokenAccess(Options options, std::unique_ptr<KeyFiles> files, Logger& logger);
  Result<VerifiedToken> verified(std::string_view token, std::chrono::sys_seconds now);
  Result<Verified> verify(std::string_view token, std::shared_ptr<const KeySet> keys,
                          std::chrono::sys_seconds now) const;
  Refusal refusal(const Question& question, std::string_view error) const;

  const Options options_;
  const std::unique_ptr<KeyFiles> files_;
  Logger& logger_;
  Guarded<LruMap<std::string, VerifiedToken>> cache_; // by sha256 of the token: one signature check a token
};

} // namespace berth::auth
