// RulesAccess: berth's own access control. Identity sources say who a caller is, rules say what that caller may do, and
// the built-in token service hands out tokens that bound it further. What a token allows is judged anew by today's
// rules and by today's credentials each time it is shown. Answers: nobody who may not: 401 with a Bearer challenge;
// somebody who may not: 403; a token narrower than the rules: 401 insufficient_scope. Basic is accepted everywhere.
// Threads: safe. Spec: RFC 6750, RFC 7617; docker/distribution, docs/spec/auth.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "auth/access.h"
#include "auth/certificate_subject.h"
#include "auth/identity_source.h"
#include "auth/own_token.h"
#include "auth/rules.h"
#include "base/clock.h"

namespace berth::auth {

class RulesAccess final : public AccessController, public TokenService {
public:
  struct Parts {
    Rules rules;
    std::vector<std::unique_ptr<IdentitySource>> sources; // asked in this order
    std::optional<CertificateSubject> certificates = {};  // absent: a client's certificate says nothing
    std::string secret;                                   // http.secret
    std::string token_path = "/v2/token";                 // http.prefix and all
    std::chrono::seconds token_lifetime{900};
    std::chrono::seconds refresh_lifetime{0}; // 0: no refresh tokens
  };
  // Borrows: the clock.
  RulesAccess(Parts parts, const Clock& clock);

  std::expected<Grant, Refusal> authorize(const Question& question) override;
  std::expected<IssuedToken, Refusal> issue(const TokenRequest& request) override;

private:
  const Parts parts_;
  const OwnTokens tokens_;
  const Clock& clock_;
};

} // namespace berth::auth
