// The access control of berth.access: its rules, and who says who a caller is.
#pragma once

#include <memory>
#include <string>

#include "auth/passwords.h"
#include "auth/rules_access.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "base/result.h"
#include "config/config.h"

namespace berth::app {

// passwords: of the users of auth.htpasswd. Borrows: clock, logger. Requires: there is a section; the secret is not
// empty. Errors: invalid; the message begins with the key of the config, or with its place.
Result<std::unique_ptr<auth::RulesAccess>> own_access(const config::Config& config, const std::string& secret,
                                                      std::shared_ptr<auth::Passwords> passwords, const Clock& clock,
                                                      Random& random, Logger& logger);

} // namespace berth::app
