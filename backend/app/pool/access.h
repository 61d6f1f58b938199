// The access control that a config asks for.
#pragma once

#include <memory>

#include "app/pool/pool.h"
#include "auth/access.h"
#include "auth/passwords.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "base/result.h"
#include "config/config.h"

namespace berth::app {

struct Access {
  std::unique_ptr<auth::AccessController> controller; // null: everybody may do everything
  auth::TokenService* tokens = nullptr;               // a part of the controller; null: there is no token service
  const auth::Passwords* passwords = nullptr;         // of auth.htpasswd, another part of it; null: none are checked
};

// secret: as http.secret, of the tokens that the registry itself gives out. serves: invalid for a pool of v1 alone with
// auth.token, as clients of v1 know no tokens. Reads what the config names: passwords, keys. Borrows: clock, logger.
// Errors: invalid; the message begins with the key of the config, or with its place.
Result<Access> access_of(const config::Config& config, const std::string& secret, PoolApi serves, const Clock& clock,
                         Random& random, Logger& logger);

// Whether that can be had. Errors: those of access_of.
Result<> check_access(const config::Config& config, Logger& logger);

} // namespace berth::app
