// The catalog: a page of repository names, by walking the tree in order from where the last page ended.
// Cost: the directories on the way to the page, and those in it.
#pragma once

#include "driver/storage_driver.h"
#include "registry/registry.h"

namespace berth::storage {

// Errors: io.
Result<registry::Page> list_repositories(driver::StorageDriver& driver, const registry::PageRequest& page);

} // namespace berth::storage
