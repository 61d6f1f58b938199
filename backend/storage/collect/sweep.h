// sweep(): the second half of a collection: parks what the mark of this run has not reached, frees what has been parked
// for long enough, and gives its place again to what is named after all. It works while the registry is in use, and may
// be ended at any moment: the next run goes on from whatever it finds.
// Cost: two listings for each of the 256 shards of blobs, some stats for each blob that is not live or parked, nothing
// for the others. Memory: the names of one shard.
// Spec: docs/decisions/0045-parked-before-freed.md
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "base/log.h"
#include "driver/storage_driver.h"
#include "registry/blobs.h"
#include "storage/collect/dead_links.h"
#include "storage/collect/decide.h"
#include "storage/collect/live_set.h"

namespace berth::storage {

struct SweepParts {
  driver::StorageDriver& driver;
  registry::DescriptorCache* cache; // told of blobs that are in their place no more; null: none
  Logger& logger;
};

struct SweepOptions {
  Duration grace;
  bool dry_run = false; // counts and tells, and changes nothing
  bool now = false;     // without grace: only where nobody writes
};

struct Swept {
  struct Sum {
    std::uint64_t count = 0, bytes = 0;
    void add(std::uint64_t size) { ++count, bytes += size; }
  };
  struct Kind {
    Sum parked, freed, brought_back;
    Sum waiting; // was parked before, and stays so
  };
  Kind blobs, links;
  std::uint64_t failed = 0; // what could not be done; each is logged, and tried again by the next run
};

// Called for each blob and link that something is done with, when it is done, and for nothing else. path: of its place.
using TellSwept = std::function<void(Step step, const std::string& path, std::uint64_t size)>;

// Now, by the clock of the store, which is the one that what is parked is timed by: when a mark begins. Errors: io;
// unsupported if the driver cannot tell.
Result<Time> store_time(driver::StorageDriver& driver);

// links: all that the mark has judged, in any order.
// Requires: the caller holds paths::collection_lock() since before the mark, which began at mark_began by store_time();
// live is what that mark found, sealed.
Swept sweep(const SweepParts& parts, const LiveSet& live, std::span<const DeadLink> links, Time mark_began,
            const SweepOptions& options, const TellSwept& tell);

} // namespace berth::storage
