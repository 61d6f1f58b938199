// `berth access`: what somebody may do with a repository, and which rules say so.
#pragma once

#include <string>
#include <vector>

#include "auth/access.h"
#include "base/result.h"
#include "config/access.h"

namespace berth::app {

// Who is meant: anyone, NAME or user:NAME, robot:NAME, cert:NAME, or token:ISSUER with words CLAIM=VALUE after it.
// Errors: invalid; the message says what is allowed.
Result<auth::Caller> subject_of(const std::vector<std::string>& words, const config::AccessRules& rules);

// The command. subject: as subject_of reads it. The exit code: 0 if it may pull, 1 if not, 2 for a mistake.
int access(const std::string& config_path, const std::vector<std::string>& subject, const std::string& repository);

} // namespace berth::app
