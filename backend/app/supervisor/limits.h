// Checks what the machine allows a process of this user, so that too low a limit is reported at the start, before a
// child process fails of it.
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
