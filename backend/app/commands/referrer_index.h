// The work of `berth index-referrers`.
#pragma once

#include "app/commands/progress.h"
#include "base/log.h"
#include "base/result.h"
#include "config/config.h"

namespace berth::app {

// Enters every manifest of the store that has a subject among its referrers; logs how many there are. May run beside a
// berth that serves, and again. Errors: io, invalid.
Result<> index_referrers_of(const config::Config& config, Logger& logger, Loudness loudness);

} // namespace berth::app
