// VerifiedTimes: when each blob of a shard was last found sound. It is a memory and no more: what it has lost is read
// again. A file a shard, `berth/verify/<hh>`: 36 bytes a blob, in the order of digests (docs/storage-layout.md).
// Threads: one at a time.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "base/clock.h"
#include "driver/storage_driver.h"
#include "model/digest.h"

namespace berth::storage {

class VerifiedTimes {
public:
  // shard: two hexadecimal digits. What cannot be read, or is damaged, is empty.
  static VerifiedTimes load(driver::StorageDriver& driver, const std::string& shard);

  std::optional<Time> of(const model::CanonicalDigest& digest); // to the minute
  void set(const model::CanonicalDigest& digest, Time time);
  // The blobs that were asked for or set since it was loaded; the others are gone. Scratch. Errors: those of a put.
  Result<> save(driver::StorageDriver& driver) const;

private:
  explicit VerifiedTimes(std::string shard) : shard_(std::move(shard)) {}

  struct Entry {
    std::uint32_t minute = 0; // since 1970
    bool is_there = false;
  };
  std::string shard_;
  std::map<std::string, Entry> entries_; // by the 32 bytes
};

} // namespace berth::storage
