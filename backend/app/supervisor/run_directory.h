// The run directory, which is one `berth up`'s own while it runs, and the directories that hosts which are gone have
// left. The spool has its own header (spool/spool.h).
#pragma once

#include <string>

#include "base/log.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "config/config.h"

namespace berth::app {

// Takes the run directory for this supervisor, and for the pools that it forks: they hold the lock too, so that a pool
// which outlives a killed supervisor has done its last request before nginx uses the names of spooled files again. For
// such a pool it waits, 30 seconds at most. Errors: invalid, the message says who holds it; storage_full, io.
Result<UniqueFd> lock_run_directory(const config::Config& config, Logger& logger);

// Removes the directories of hosts that are gone, as containers leave them with every new hostname: those beside our
// own whose locks nobody holds.
void remove_vanished(const config::Config& config, Logger& logger);

} // namespace berth::app
