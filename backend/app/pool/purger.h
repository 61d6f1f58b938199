// Purger: the thread of the pool that removes abandoned uploads (storage.maintenance.uploadpurging), and what died
// writers have left in the spool and among the temporary files.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>

#include "base/clock.h"
#include "base/guarded.h"
#include "base/log.h"
#include "base/periodic.h"
#include "base/random.h"
#include "config/config.h"
#include "storage/uploads/uploads.h"

namespace berth::app {

// A part of a time, evenly chosen.
config::Duration part_of(config::Duration time, Random& random);

// One purge, and what it did in the log. stop may end it early. Errors: io.
Result<storage::Purged> purge_once(const config::Config& config, storage::UploadStore& uploads, Time now,
                                   Logger& logger, const std::function<bool()>& stop);

// Removes files of the spool, and of <root>/berth/tmp, that have not been written to for a day.
void remove_orphans(const config::Config& config, Logger& logger);

class Purger {
public:
  // Starts the thread, unless purging is off or the registry is read-only. The first purge comes after a random part of
  // the interval (at most an hour), so that pools which start together do not purge together.
  // Borrows: all.
  Purger(const config::Config& config, storage::UploadStore& uploads, const Clock& clock, Random& random,
         Logger& logger);
  std::uint64_t purged() const { return purged_; } // uploads, since the start
  bool runs() const { return periodic_.has_value(); }
  struct Done {
    Time at{};
    storage::Purged what;
  };
  std::optional<Done> last() const; // that went through, since the start

private:
  void purge(const std::stop_token& stop);

  const config::Config& config_;
  storage::UploadStore& uploads_;
  const Clock& clock_;
  Logger& logger_;
  std::atomic<std::uint64_t> purged_ = 0;
  mutable Guarded<std::optional<Done>> last_;
  std::optional<Periodic> periodic_; // absent: purging is off
};

} // namespace berth::app
