// The catalog: a page of repository names, by walking the tree in order from where the last page ended.
// Cost: the directories in the page are read, and those on the way to it, large ones from the cache (listing_cache.h):
// what lies before and behind the page costs a search.
#pragma once

#include "base/log.h"
#include "registry/registry.h"
#include "storage/listing_cache.h"

namespace berth::storage {

// A directory that may not be read is left out, and logged; one that is linked is listed by the link's name too, unless
// the link leads back up. Errors: io.
Result<registry::Page> list_repositories(ListingCache& directories, Logger& logger, const registry::PageRequest& page);

} // namespace berth::storage
