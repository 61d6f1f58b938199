// Where callers come from beside htpasswd and robots, as berth.access of the config says: tokens of workloads,
// saslauthd, an LDAP directory.
#pragma once

#include <memory>
#include <vector>

#include "auth/identity_source.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "base/result.h"
#include "config/access.h"

namespace berth::app {

using IdentitySources = std::vector<std::unique_ptr<auth::IdentitySource>>;

// All sources in the order in which they are to be asked: tokens of workloads, which are known by their form and cost
// little; then the local ones; then saslauthd or the directory, whose every name may be. Reads key files, and asks
// nobody yet. Borrows: clock, logger. Errors: invalid, also for saslauthd and a directory at once, as two passwords
// would be right for one name; io if a library is missing; the message begins with the key of the config.
Result<IdentitySources> identity_sources_of(const config::AccessRules& config, IdentitySources local,
                                            const Clock& clock, Random& random, Logger& logger);

} // namespace berth::app
