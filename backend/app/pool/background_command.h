// BackgroundCommand: the thread of the pool that has a command of berth run now and then, each time in a process of its
// own: its memory goes back when it ends, it has the least of CPU and disk, and may be killed at any moment. So garbage
// is collected (berth.collection) and the store verified (berth.verify). Pools that share a store take turns: a run
// that is not due, as another pool's was, ends at once (commands/garbage_collect.h, commands/verify.h).
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

// What is run, and when.
struct Schedule {
  bool enabled = false;
  config::Duration interval{};
  std::string command;   // berth COMMAND --background CONFIG
  std::string when_not;  // what is logged of a run that failed
  int worst_success = 0; // an exit code of one that did its work, and those below it
};
Schedule collection_of(const config::Config& config);
Schedule verification_of(const config::Config& config);

class BackgroundCommand {
public:
  // Starts the thread, unless it is not enabled, or there is no config_file, which runs are started with. The first
  // comes after a random part of the interval. Borrows: logger.
  BackgroundCommand(Schedule schedule, std::string config_file, Random& random, Logger& logger);

private:
  void run(const std::stop_token& stop);

  const Schedule schedule_;
  const std::string config_file_;
  Logger& logger_;
  std::optional<Periodic> periodic_; // absent: nothing is run
};

// While it is held nothing is freed without its grace: `berth garbage-collect --now` waits for no pool. Null where
// locks cannot be made, as on a store that may only be read. Errors: busy while such a collection is at work.
Result<std::unique_ptr<driver::Lock>> exclude_collection_now(driver::Locks& locks, Logger& logger);

} // namespace berth::app
