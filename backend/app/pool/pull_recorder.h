// PullRecorder: remembers which manifests were pulled, to the hour, and writes that down every ten minutes and at the
// end, for policies of retention that ask when (storage/retention/pull_times.h). A pull takes a look into a map in
// memory and waits for no disk.
// Memory: max_entries of some hundred bytes; what is more is written down at once, or lost, and logged.
// Threads: safe. Borrows: all that it is made of.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/guarded.h"
#include "base/log.h"
#include "base/periodic.h"
#include "base/random.h"
#include "driver/storage_driver.h"
#include "storage/retention/pull_times.h"

namespace berth::app {

class PullRecorder {
public:
  struct Parts {
    driver::StorageDriver& driver;
    const Clock& clock;
    Random& random;
    Logger& logger;
  };
  // ignored: texts; a pull by a User-Agent that has one of them in it, in whatever case, is none.
  PullRecorder(Parts parts, std::vector<std::string> ignored, std::size_t max_entries = 100'000);
  ~PullRecorder(); // writes down what it has

  void pulled(const model::RepositoryName& repository, std::string_view reference, std::string_view agent);
  // Writes down what it has now.
  void flush();

private:
  bool is_ignored(std::string_view agent) const;
  Periodic::Pause look();

  const Parts parts_;
  std::vector<std::string> ignored_; // in lower case
  const std::size_t max_entries_;
  Guarded<storage::Pulls> pulls_;
  std::atomic<std::uint64_t> lost_ = 0;
  Time written_;                     // of the last flush; of the periodic thread
  std::optional<Periodic> periodic_; // the last member: it uses the others
};

} // namespace berth::app
