// Collector: the thread of the pool that has garbage collected (berth.collection), each run in a process of its own:
// its memory goes back when it ends, it has the least of CPU and disk, and may be killed at any moment. Pools that
// share a store take turns: a run that is not due, as another pool's was, ends at once (commands/garbage_collect.h).
#pragma once

#include <optional>
#include <string>

#include "base/log.h"
#include "base/periodic.h"
#include "base/random.h"
#include "base/result.h"
#include "config/config.h"
#include "driver/locks.h"

namespace berth::app {

class Collector {
public:
  // Starts the thread, unless collection is off, the registry is read-only, or there is no config_file, which runs are
  // started with. The first comes after a random part of the interval.
  // Borrows: logger.
  Collector(const config::Config& config, std::string config_file, Random& random, Logger& logger);

private:
  void run(const std::stop_token& stop);

  const std::string config_file_;
  Logger& logger_;
  std::optional<Periodic> periodic_; // absent: collection is off
};

// While it is held nothing is freed without its grace: `berth garbage-collect --now` waits for no pool. Null where
// locks cannot be made, as on a store that may only be read. Errors: busy while such a collection is at work.
Result<std::unique_ptr<driver::Lock>> exclude_collection_now(driver::Locks& locks, Logger& logger);

} // namespace berth::app
