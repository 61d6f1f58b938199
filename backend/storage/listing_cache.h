// ListingCache: the entries of large directories, kept in memory for as long as the directory's stamp says that none
// came or went. A page of a long listing then costs a stat and a search instead of reading and sorting all of it.
//
// A listing is believed only if the stamp was already the same a while (settle_time) before the directory was read: a
// change that the stamp does not show would have to be older than that, and is therefore in the listing. So it is right
// whoever writes, another pool or docker-registry included, and needs no clock but this machine's own
// (docs/decisions/0011). Small directories are read each time.
//
// Threads: safe; no lock is held while a directory is read. Borrows: the driver.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/guarded.h"
#include "base/lru_map.h"
#include "driver/storage_driver.h"

namespace berth::storage {

class ListingCache {
public:
  using Time = std::chrono::steady_clock::time_point;
  using Names = std::vector<std::string>;

  // What a stamp cannot tell apart lies within the tick of a file system's clock: two seconds at most, and some more.
  static constexpr std::chrono::seconds settle_time{3};
  static constexpr std::size_t min_names = 256;                   // smaller ones are read as quickly as found
  static constexpr std::size_t max_bytes = std::size_t{32} << 20; // of all that is kept; half a million short names

  explicit ListingCache(driver::StorageDriver& driver, std::function<Time()> now = std::chrono::steady_clock::now)
      : driver_(driver), now_(std::move(now)) {}

  // The names of a directory's entries, in byte order, as they are now. Errors: not_found, also for a file.
  Result<std::shared_ptr<const Names>> list(const std::string& path);

private:
  struct Entry {
    driver::Stamp stamp;
    Time since;                         // when this stamp was first seen
    std::shared_ptr<const Names> names; // null: not believed yet
    std::size_t bytes = 0;
  };
  struct Kept {
    LruMap<std::string, Entry> entries{max_bytes}; // the bytes are what bounds them
    std::size_t bytes = 0;
  };

  void keep(const std::string& path, Entry entry);
  static void forget(Kept& kept, const std::string& path);

  driver::StorageDriver& driver_;
  std::function<Time()> now_;
  Guarded<Kept> kept_;
};

} // namespace berth::storage
