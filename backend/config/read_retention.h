// berth.retention as a whole: a config that removes tags says exactly which, so that an unknown key in it, and what
// would never be in force, are refused. For config/ alone.
#pragma once

#include <optional>

#include "base/result.h"
#include "config/config.h"
#include "config/keys.h"
#include "config/node.h"

namespace berth::config {

// Readers of its values, and of berth.protected.
Result<std::optional<std::optional<Duration>>> to_untagged_of_policy(const Node& node);
Result<unsigned> to_share(const Node& node); // "50%": from 1 to 100
Result<> begin_protected(const Reading& reading);
Result<> begin_policy(const Reading& reading);

// Reads what the entries of policies keep, and checks what is more than single values. Requires: the keys are read.
// Errors: invalid.
Result<> read_retention(const Node& root, Config& config);

} // namespace berth::config
