// Layers of old clients that are not gzip (docker 0.6 sent xz) are packed again for clients of today, which expect it:
// the same bytes always become the same blob, as long as zlib stays the same.
#pragma once

#include "registry/blobs.h"
#include "storage/v1/unpacking.h"

namespace berth::storage {

// Stores the uncompressed bytes of a layer, as gzip, in a repository. packed: plain, bzip2 or xz.
// Errors: image_invalid for what cannot be uncompressed; unavailable, as the task says. Durable.
Result<model::Descriptor> gzip_layer(Unpacking::Task& task, registry::BlobIngester& into, const Content& packed);

} // namespace berth::storage
