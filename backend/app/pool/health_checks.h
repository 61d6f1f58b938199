// HealthChecks: the thread that makes the checks of the config's `health` section, and reports to api::debug::Health.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "api/debug/health.h"
#include "base/periodic.h"
#include "base/result.h"
#include "config/config.h"
#include "driver/storage_driver.h"

namespace berth::app {

class HealthChecks {
public:
  // Starts the thread, if there is anything to check. Borrows: health, driver.
  HealthChecks(const config::Config& config, api::debug::Health& health, driver::StorageDriver& driver);

private:
  struct Check {
    std::string name;
    config::Health::Pace pace;
    std::function<Result<>()> run;
    int failures = 0; // in a row
    std::chrono::steady_clock::time_point due{};
  };
  Periodic::Pause make_those_due();
  void make(Check& check);

  api::debug::Health& health_;
  std::vector<Check> checks_;
  std::optional<Periodic> periodic_; // absent: there is nothing to check
};

// The checks themselves. Errors: the message says why the check fails.
Result<> check_file(const config::Health::File& check); // fails while the file exists
Result<> check_http(const config::Health::Http& check);
Result<> check_tcp(const config::Health::Tcp& check);

} // namespace berth::app
