// A lock on a directory: a file `lock` in it, held by flock(2): locally, or over NFS, where other hosts see it. Two
// hosts whose file system keeps flock to itself must not share a store (docs/decisions/0002).
#pragma once

#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace berth::spool {

// Takes a lock file, making it. It is held as long as the descriptor, or one that a child inherited, is open.
// Errors: busy if another holds it, or has just removed it; storage_full, io.
Result<UniqueFd> try_lock(const std::string& path);

} // namespace berth::spool
