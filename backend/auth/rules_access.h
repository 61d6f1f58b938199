// RulesAccess: berth's own access control. Identity sources say who a caller is, rules say what that caller may do, and
// the built-in token service hands out tokens that bound it further. What a token allows is judged anew by today's
// rules and by today's credentials each time it is shown. Answers: nobody who may not: 401 with a Bearer challenge;
// somebody who may not: 403; a token narrower than the rules: 401 insufficient_scope. Basic is accepted everywhere.
// Threads: safe. Spec: RFC 6750, RFC 7617; docker/distribution, docs/spec/auth.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "auth/access.h"
#include "auth/certificate_subject.h"
#include "auth/identity_source.h"
#include "auth/own_token.h"
#include "auth/rules.h"
#include "base/clock.h"
#include "base/guarded.h"
#include "base/lru_map.h"

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
  // Who a request comes from.
  struct Known {
    Caller caller;
    std::shared_ptr<const OwnToken> token = nullptr; // that said so
    std::string login = {};                          // the name that Basic had
  };
  // Errors: unauthorized, too_many_requests, unavailable.
  Result<Known> identify(const Credentials& credentials);
  Result<Known> of_token(std::string_view token, const Credentials& credentials);
  Result<std::shared_ptr<const OwnToken>> read(std::string_view token, std::chrono::sys_seconds now);
  Result<Caller> ask_sources(const Login& login) const;
  // Whether a caller is still who he was when he was given a token.
  bool is_current(const Caller& caller) const;

  // What the caller may do today, whatever his token says.
  Rights rights_of(const Caller& caller, std::string_view repository) const;
  bool may(const Known& known, const Question& question) const;
  Grant grant(Known known, const Question& question) const;
  Refusal refusal(const Question& question, const Error& error, std::string_view why = {}) const;

  Result<Known> identify(const TokenRequest& request, std::chrono::sys_seconds now);
  Result<std::vector<Access>> granted(const Caller& caller, const std::vector<std::string>& scopes) const;

  const Parts parts_;
  const OwnTokens tokens_;
  const Clock& clock_;
  Guarded<LruMap<std::string, std::shared_ptr<const OwnToken>>> verified_;
};

} // namespace berth::auth
