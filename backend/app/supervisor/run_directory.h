// The directories that are one `berth up`'s own while it runs: the run directory and the spool; and what those that
// died have left in them.
//
// A lock is a file `lock` in the directory, held by flock(2): locally, or over NFS, where other hosts see it. Two hosts
// whose file system keeps flock to itself must not share a store (docs/decisions/0002).
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

// Takes the spool: nginx removes a spooled file by its name, so two of them must not use one. To be inherited by nginx.
// Errors: invalid, storage_full, io.
Result<UniqueFd> lock_spool(const config::Config& config);

// Removes the bodies of requests that nobody waits for any more. Requires: no nginx writes there. A pool may still read
// one: it holds the file open, and takes it by its inode or not at all.
void empty_spool(const std::string& spool);

// Removes the directories of hosts that are gone, as containers leave them with every new hostname: those beside our
// own whose locks nobody holds.
void remove_vanished(const config::Config& config, Logger& logger);

// Both remove what was not written to for a day, which is longer than any request: bodies that a killed nginx has left
// in the spool, and what writers that died have left in a directory of temporary files. How many there were.
std::size_t remove_old_bodies(const std::string& spool);
std::size_t remove_old_temporaries(const std::string& directory);

} // namespace berth::app
