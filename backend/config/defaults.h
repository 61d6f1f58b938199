// Values that follow from others: where berth keeps what is its own when the config does not say.
#pragma once

#include "base/result.h"
#include "config/config.h"

namespace berth::config {

// Sets the paths of the berth section that are empty, so that several instances on one store keep apart:
// <root>/berth, below it <hostname>-<port>/{run,spool} and robots, <run_directory>/pool.sock. Errors: invalid for a bad
// http.addr.
Result<> fill_defaults(Config& config);

} // namespace berth::config
