// Which revisions of a repository are needed, where not all are: those that are needed anyway, the targets of tags, and
// from there on, all the way, what a needed index lists and what refers to a needed manifest (signatures, SBOMs, and
// their signatures). A child is therefore never judged alone.
#pragma once

#include <optional>
#include <vector>

#include "storage/collect/stored.h"

namespace berth::storage {

struct Revision {
  model::CanonicalDigest digest;
  StoredLink link;
};

// revisions: all of the repository, in byte order. anyway: those that are needed by themselves. Returns which are
// needed. Errors: io, if the tags cannot be listed.
Result<std::vector<bool>> needed_revisions(driver::StorageDriver& driver, const model::RepositoryName& name,
                                           const std::vector<Revision>& revisions, std::vector<bool> anyway);

} // namespace berth::storage
