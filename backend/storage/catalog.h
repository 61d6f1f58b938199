// The catalog: a page of repository names, by walking the tree in order from where the last page ended.
// Cost: the directories in the page are read, and those on the way to it, large ones from the cache (listing_cache.h):
// what lies before and behind the page costs a search.
#pragma once

#include "registry/registry.h"
#include "storage/listing_cache.h"

namespace berth::storage {

// Errors: io.
Result<registry::Page> list_repositories(ListingCache& directories, const registry::PageRequest& page);

} // namespace berth::storage
