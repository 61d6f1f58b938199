// The rules that a config has.
#pragma once

#include "auth/rules.h"
#include "base/result.h"
#include "config/access.h"

namespace berth::app {

// Requires: there is a section (given). Errors: invalid; the message is `FILE:LINE: key: "value": allowed is ...`.
Result<auth::Rules> rules_of(const config::AccessRules& config);

} // namespace berth::app
