// Purger: the thread of the pool that removes abandoned uploads (storage.maintenance.uploadpurging), and what died
// writers have left in the spool and among the temporary files.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "config/config.h"
#include "driver/storage_driver.h"
#include "storage/purge.h"

namespace berth::app {

// One purge, and what it did in the log. stop may end it early. Errors: io.
Result<storage::Purged> purge_once(const config::Config& config, driver::StorageDriver& driver, Time now,
                                   Logger& logger, const std::function<bool()>& stop);

// Removes files of the spool, and of <root>/berth/tmp, that nobody has written to for a day.
void remove_orphans(const config::Config& config, Logger& logger);

class Purger {
public:
  // Starts the thread, unless purging is off or the registry is read-only. The first purge comes after a random part of
  // the interval (at most an hour), so that pools which start together do not purge together.
  // Borrows: all. Requires: signals are blocked.
  Purger(const config::Config& config, driver::StorageDriver& driver, const Clock& clock, Random& random,
         Logger& logger);
  ~Purger();                                       // ends the purge in progress
  std::uint64_t purged() const { return purged_; } // uploads, since the start
  Purger(const Purger&) = delete;

private:
  void run(config::Duration first_delay);
  bool wait(config::Duration time); // false: stop
  bool stopping();

  const config::Config& config_;
  driver::StorageDriver& driver_;
  const Clock& clock_;
  Logger& logger_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  std::atomic<std::uint64_t> purged_ = 0;
  std::thread thread_;
};

} // namespace berth::app
