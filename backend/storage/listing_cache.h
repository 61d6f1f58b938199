// ListingCache: the directories in a directory, kept in memory for as long as the directory's version says that none
// came or went. A page of a long listing then costs a stat and a search instead of reading and sorting all of it, and a
// directory on the way to it a stat instead of the five calls that opening and reading it are.
//
// A listing is believed only if the version was already the same a while (settle_time) before the directory was read: a
// change that the version does not show would have to be older than that, and is therefore in the listing. So it is
// right whoever writes, another pool or docker-registry included, and needs no clock but this machine's own
// (docs/decisions/0011). Where the driver has no versions nothing is kept. Small directories have a room of their own,
// so that many of them do not push a large one out.
//
// Threads: safe; no lock is held while a directory is read. Borrows: the driver.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/shared_cache.h"
#include "driver/storage_driver.h"

namespace berth::storage {

class ListingCache {
public:
  using Time = std::chrono::steady_clock::time_point;
  using Names = std::vector<std::string>;
  struct Listing {
    Names names; // in byte order
    std::optional<driver::Version> version;
  };

  // Two changes within one tick of a file system's clock have the same version: that is two seconds at most, and a
  // margin.
  static constexpr std::chrono::seconds settle_time{3};
  static constexpr std::size_t large_names = 256;                       // so many make a directory a large one
  static constexpr std::size_t max_large_bytes = std::size_t{32} << 20; // of all that is kept: half a million names
  static constexpr std::size_t max_small_bytes = std::size_t{8} << 20;  // some 15,000 directories

  explicit ListingCache(driver::StorageDriver& driver, std::function<Time()> now = std::chrono::steady_clock::now)
      : driver_(driver), now_(std::move(now)) {}

  // The directories in a directory, as they are now. Errors: not_found, also for a file.
  Result<std::shared_ptr<const Listing>> list(const std::string& path);
  CacheFacts memory();

private:
  struct Entry {
    driver::Version version;
    Time since;                             // when this version was first seen
    std::shared_ptr<const Listing> listing; // null: not believed yet
  };

  driver::StorageDriver& driver_;
  std::function<Time()> now_;
  SharedCache<Entry> small_{max_small_bytes},
      large_{max_large_bytes}; // an entry is in one of them; small_ is asked first
};

} // namespace berth::storage
