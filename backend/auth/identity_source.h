// IdentitySource: one place that knows callers by what they show: an htpasswd file, the robots, issuers of workload
// tokens, saslauthd, a directory. RulesAccess (rules_access.h) asks one after the other.
#pragma once

#include <optional>
#include <string_view>

#include "auth/access.h"
#include "base/clock.h"
#include "base/result.h"

namespace berth::auth {

// The login that a caller shows: a name with a password, or, with an empty name, a Bearer token of another issuer.
struct Login {
  std::string_view user;
  std::string_view password;
  std::string_view address = {}; // of the client
  Time time = {};
  Waiting* waiting = nullptr; // as in Credentials
};

class IdentitySource {
public:
  virtual ~IdentitySource() = default;

  // The caller; nothing if this source does not know such a login, and the next one is to be asked. Errors:
  // unauthorized if it is the source's to judge and wrong; too_many_requests; unavailable if it cannot be checked now
  // (the next source is not asked then). No error holds the password or the token. Threads: safe.
  virtual std::optional<Result<Caller>> identify(const Login& login) = 0;

  // Whether a caller that this source has identified before is still as it was: known, with the same stamp. Nothing if
  // the caller is not of this source. Cheap: it is asked for every request that shows a token of ours.
  virtual std::optional<bool> is_current(const Caller& caller) = 0;
};

} // namespace berth::auth
