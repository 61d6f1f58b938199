// The mark of one repository. Threads: safe. Borrows: all that is passed.
#pragma once

#include "storage/collect/findings.h"

namespace berth::storage {

// What is of an age is young until the grace is over; what nobody can date is. With no grace nothing is young.
bool is_young(const MarkOptions& options, const std::optional<Time>& changed, std::chrono::nanoseconds grace);

// has_v1: the store has images that v1 clients pushed; else they are not looked for in every repository.
// Marks the repository that the findings are of. Errors: io, not_permitted: a directory could not be listed.
Result<> mark_repository(driver::StorageDriver& driver, const MarkOptions& options, bool has_v1, Findings& findings);

} // namespace berth::storage
