// The supervisor of `berth up`: one process that starts nginx and the pool, starts a half again that dies, reloads on
// SIGHUP and drains on SIGTERM or SIGINT. It serves no request itself, and has one thread. Started as root, it works as
// the user who serves (docs/decisions/0006).
//
// It listens on the pool's socket and hands it to the pool, so that connections wait while the pool is started again.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/log.h"
#include "base/result.h"
#include "config/config.h"

namespace berth::app {

// Where the configuration comes from: read at the start, and again for SIGHUP.
struct ConfigSource {
  std::string file;
  std::function<Result<config::Loaded>()> load;
  std::string instance; // of all log lines, before and after a reload, and of a program that takes this one's place
};

// Runs until it is told to stop. The logger is exchanged when a reload changes log.level. Errors: invalid for what the
// configuration or the machine does not allow; storage_full; io when a child process cannot be kept alive.
Result<> run_supervisor(const config::Config& config, const ConfigSource& source, std::unique_ptr<Logger>& logger);

} // namespace berth::app
