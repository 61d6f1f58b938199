// The mark of one repository. Threads: safe. Borrows: all that is passed.
#pragma once

#include "storage/collect/findings.h"

namespace berth::storage {

// What is of an age is young until the grace is over; what nobody can date is. With no grace nothing is young.
bool is_young(const MarkOptions& options, const std::optional<Time>& changed, std::chrono::nanoseconds grace);

// What a store may have, and most have not: then it is not looked for in every repository.
struct StoreHas {
  bool v1 = false;     // images that v1 clients pushed
  bool parked = false; // a collection was made once
};

// Marks the repository that the findings are of. Errors: io, not_permitted: a directory could not be listed.
Result<> mark_repository(driver::StorageDriver& driver, const MarkOptions& options, StoreHas has, Findings& findings);

} // namespace berth::storage
