// WorkloadTokens: callers that show a token of an issuer that is trusted: a job of GitHub Actions, a pod of Kubernetes.
// The token is a JWT, sent as Bearer or as a password beside any name. The caller is NAME:SUBJECT, after the issuer's
// name in the configuration.
//
// How long it counts: a token of ours that was given out for it lives as long as it was made for, at most its lifetime
// after the workload's token has expired: a push of half an hour is not broken off because its job's token lives five
// minutes. So a stamp is the workload token's `exp`, and is_current holds until that and the lifetime of our tokens are
// over; refresh tokens end with it too.
// Threads: safe. Spec: RFC 7519, RFC 8725, OpenID Connect Core 1.0 section 2.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "auth/identity_source.h"
#include "auth/issuer_keys.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/result.h"

namespace berth::auth {

class WorkloadTokens final : public IdentitySource {
public:
  struct Issuer {
    std::string name, url, audience;
    std::string jwks = {};                // as in IssuerKeys::Options
    std::vector<std::string> claims = {}; // those that a caller brings along, if they are texts, numbers or booleans
  };
  struct Options {
    std::vector<Issuer> issuers;
    std::chrono::seconds token_lifetime{900}; // of our tokens
  };
  // Borrows: clock, logger. Errors: invalid for an issuer without name, url or audience, two with one name or url;
  // those of IssuerKeys::make.
  static Result<std::unique_ptr<WorkloadTokens>> make(const Options& options, const Fetch& fetch, const Clock& clock,
                                                      Logger& logger);

  // Nothing for a password that has not the form of a JWT. Refuses what RegisteredClaims refuses, algorithms other than
  // EdDSA, ES256, PS256, RS256, no subject, `iat` in the future, and a token that lives for longer than a day.
  std::optional<Result<Caller>> identify(const Login& login) override;
  std::optional<bool> is_current(const Caller& caller) override;

private:
  struct Trusted {
    Issuer issuer;
    std::unique_ptr<IssuerKeys> keys;
  };

  WorkloadTokens(std::vector<Trusted> trusted, std::chrono::seconds token_lifetime, const Clock& clock)
      : trusted_(std::move(trusted)), token_lifetime_(token_lifetime), clock_(clock) {}
  Result<Caller> verify(const Login& login) const;

  const std::vector<Trusted> trusted_;
  const std::chrono::seconds token_lifetime_;
  const Clock& clock_;
};

} // namespace berth::auth
