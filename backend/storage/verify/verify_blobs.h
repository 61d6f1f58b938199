// Reading every blob of a store and comparing its bytes with its digest.
//
// A blob that seems damaged is read once more, past the page cache, as memory errs too: two different answers that are
// both wrong are no damage of the blob but of the machine, and end the run. Blobs in quarantine are not read: nobody
// is given them but through their place.
//
// What was read when is remembered (verified_times.h). A run that was cut short is gone on with by the next one, unless
// that is told to begin anew.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>

#include "base/clock.h"
#include "driver/storage_driver.h"
#include "model/digest.h"
#include "storage/collect/live_set.h"
#include "storage/verify/finding.h"

namespace berth::storage {

struct VerifyBlobsOptions {
  bool mend = false;                // damaged blobs are moved to berth/damaged, so that the next push mends them
  bool begin_anew = false;          // a run that was cut short is forgotten
  std::chrono::nanoseconds older{}; // blobs that were read within it are passed over; 0: none
  std::uint64_t rate = 0;           // bytes a second of all readers; 0: as fast as may be
  unsigned readers = 1;
  const LiveSet* only = nullptr; // sealed: no others are looked at; such a run does not go on with another
  std::function<bool()> stop = [] { return false; }; // asked between pieces; safe
};

struct VerifiedBlobs {
  std::uint64_t sound = 0, bytes = 0; // read
  std::uint64_t passed_over = 0;      // read a short time ago
  std::uint64_t damaged = 0, unreadable = 0;
  bool is_whole = true; // false: it was stopped, or ended itself
};

class VerifyBlobs {
public:
  // Borrows: all.
  VerifyBlobs(driver::StorageDriver& driver, const Clock& clock, VerifyBlobsOptions options)
      : driver_(driver), clock_(clock), options_(std::move(options)) {}

  // How many bytes run() is going to read: a stat a blob. Errors: io.
  Result<std::uint64_t> bytes_to_read();
  // read: told how many bytes were read, as they are; safe. Errors: io, if blobs cannot be listed.
  Result<VerifiedBlobs> run(const TellFinding& tell, const std::function<void(std::uint64_t)>& read);

private:
  class Pace;
  struct Shared;
  Result<> run_shard(const std::string& shard, Shared& shared);
  void check(const model::CanonicalDigest& digest, class VerifiedTimes& times, Shared& shared);
  Result<model::CanonicalDigest> hash(const Content& content, Shared& shared);
  Finding damage(const model::CanonicalDigest& digest, const Content& content, const std::string& why);
  bool is_asked_for(const model::CanonicalDigest& digest) const {
    return options_.only == nullptr || options_.only->has(digest);
  }
  bool passes_over(const std::optional<Time>& verified) const;
  Result<> begin();

  driver::StorageDriver& driver_;
  const Clock& clock_;
  const VerifyBlobsOptions options_;
  bool begun_ = false;
  std::optional<Time> goes_on_with_; // when the run began that was cut short
};

} // namespace berth::storage
