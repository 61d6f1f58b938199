// The supervisor of `berth up`: one process that starts nginx and the pool, starts a half again that dies, reloads on
// SIGHUP and drains on SIGTERM or SIGINT. It serves no request itself, and has one thread.
//
// It listens on the pool's socket and hands it to the pool, so that connections wait while the pool is started again.
#pragma once

#include <functional>

#include "base/log.h"
#include "base/result.h"
#include "config/config.h"

namespace berth::app {

// Reads the configuration again, for SIGHUP.
using LoadConfig = std::function<Result<config::Config>()>;

// Runs until it is told to stop. Errors: invalid for what the configuration or the machine does not allow; io when a
// half cannot be kept alive.
Result<> run_supervisor(const config::Config& config, const LoadConfig& load_config, Logger& logger);

} // namespace berth::app
