// The purge of abandoned uploads.
// Spec: docker/distribution's uploadpurging: an upload's age counts from its `startedat`; one whose `startedat` cannot
// be read stays. Where there is none at all, a removal was cut short: its age counts from when it was.
#pragma once

#include <cstddef>
#include <functional>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "driver/storage_driver.h"

namespace berth::storage {

struct PurgeOptions {
  Time started_before; // uploads begun earlier are purged
  bool dry_run = false;
  std::function<bool()> stop = [] { return false; }; // asked between uploads
};

struct Purged {
  std::size_t uploads = 0; // removed, or to be removed
  std::size_t busy = 0;    // old, but being written now: left alone
  std::size_t failed = 0;  // each was told
};

// Removes old uploads of all repositories. Each is locked first, as its writers lock it: one that is being written, by
// this pool or another, stays, and several purges at once do no harm. tell is called for each that is removed (with no
// error), or could not be. Errors: io, if the repositories cannot be listed.
using TellPurged = std::function<void(const std::string& path, const Error* why_not)>;
Result<Purged> purge_uploads(driver::StorageDriver& driver, const PurgeOptions& options, const TellPurged& tell);

} // namespace berth::storage
