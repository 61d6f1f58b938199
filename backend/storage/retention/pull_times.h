// PullTimes: when manifests were pulled last, by tag or by digest, to the hour. Pools write down what they saw
// (write_pulls), a file a flush; a run of retention reads all, and folds it into one file (docs/storage-layout.md).
// What a crash loses are minutes of pulls. Entries that are older than pulls_kept are dropped.
// Threads: one at a time. Memory: some hundred bytes an entry.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "driver/storage_driver.h"
#include "model/names.h"

namespace berth::storage {

struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
};

// By pull_key(): the last pull, in hours since 1970.
using Pulls = std::unordered_map<std::string, std::uint32_t, TextHash, std::equal_to<>>;

// "REPOSITORY REFERENCE", into a string whose memory is used again.
inline void pull_key(const model::RepositoryName& repository, std::string_view reference, std::string& into) {
  into.assign(repository.str()).append(1, ' ').append(reference);
}

inline std::uint32_t pull_hour(Time time) {
  return static_cast<std::uint32_t>(std::chrono::floor<std::chrono::hours>(time.time_since_epoch()).count());
}

// Longer than a policy asks for, as the next one may ask for more.
inline constexpr std::chrono::days pulls_kept{732};

// Notes when pulls began to be written down, unless that is noted; or that they are not, which whoever sees a pull has
// to say: what was pulled meanwhile would seem not to have been. Errors: those of the driver.
Result<> begin_pulls(driver::StorageDriver& driver, Time now);
Result<> end_pulls(driver::StorageDriver& driver);

// Adds what one pool saw. Scratch. Errors: those of the driver.
Result<> write_pulls(driver::StorageDriver& driver, Random& random, Time now, const Pulls& pulls);

class PullTimes {
public:
  // Errors: io, size_invalid: then nothing may be concluded of what seems not to have been pulled.
  static Result<PullTimes> load(driver::StorageDriver& driver);

  std::optional<Time> since() const { return since_; } // absent: nobody writes pulls down
  // The latest moment at which it can have been; absent: it was not pulled.
  std::optional<Time> last(const model::RepositoryName& repository, std::string_view reference) const;

  // Puts all that was loaded into one file, durably, and removes the others. Requires: the caller holds
  // paths::collection_lock() since before it was loaded. Errors: those of the driver.
  Result<> fold(driver::StorageDriver& driver, Time now) const;

private:
  std::optional<Time> since_;
  Pulls pulls_;
  std::vector<std::string> files_; // that are not folded
};

} // namespace berth::storage
