// Empty repositories: those that have nothing but empty directories, which are all that deletions and a collection
// leave of one. They leave the catalog, docker-registry's too, when their directories go. A store of objects has none.
//
// Directories are removed from the bottom up, each if it is empty at that moment: whoever puts something into one
// meanwhile keeps it and those above it, and finds no difference (a put makes the directories it needs, again and
// again). docker-registry makes directories a moment before the file: so nothing goes that has changed of late.
// Threads: safe.
#pragma once

#include <chrono>

#include "base/clock.h"
#include "driver/storage_driver.h"
#include "model/names.h"

namespace berth::storage {

struct EmptyRepositoryOptions {
  Time began{};                   // of the collection, by the clock of the store
  std::chrono::nanoseconds age{}; // how long it has been so; 0: it is so
  bool dry_run = false;           // looks only
};

// Removes a repository's directories, and those that they alone were in, if there is nothing in them: whether they are
// gone, or would be. Not durable. Errors: io.
Result<bool> remove_if_empty(driver::StorageDriver& driver, const model::RepositoryName& name,
                             const EmptyRepositoryOptions& options);

// Removes the directory of a repository, and those above it, as far as there is nothing in them. Not durable.
void remove_empty_upwards(driver::StorageDriver& driver, const model::RepositoryName& name);

} // namespace berth::storage
