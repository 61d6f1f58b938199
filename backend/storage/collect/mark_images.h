// The mark of v1 images, whose layers no manifest of schema2 need name: those of images that live manifests were made
// of, with the images that they build on, and of images that are being pushed.
#pragma once

#include <vector>

#include "model/image_id.h"
#include "storage/collect/mark.h"

namespace berth::storage {

// pushed: the images that live manifests were made of. Errors: io, not_permitted: a directory could not be listed.
Result<> mark_images(driver::StorageDriver& driver, const MarkOptions& options, std::vector<model::ImageId> pushed,
                     LiveSet& live, MarkListener& listener);

} // namespace berth::storage
