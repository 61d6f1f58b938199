// What the machine allows a process of its user: too little is said at the start, and not by a child process that
// cannot live.
#pragma once

#include "app/supervisor/account.h"
#include "base/log.h"
#include "base/result.h"
#include "config/config.h"

namespace berth::app {

// Raises the limit of open files as far as it goes, and warns if nginx could use more. Errors: invalid, with the limit,
// its value and what is needed, if files or processes are too few to work with.
Result<> check_limits(const config::Config& config, const Account& account, Logger& logger);

} // namespace berth::app
