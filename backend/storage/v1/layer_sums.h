// LayerSums: all that is computed of a layer that a v1 client sent, in one pass over its bytes.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/content.h"
#include "model/descriptor.h"
#include "model/digester.h"
#include "storage/v1/decompressor.h"

namespace berth::storage {

struct LayerSums {
  model::CanonicalDigest digest;  // of the bytes as they came
  model::CanonicalDigest payload; // of the image's JSON, a newline, and the bytes as they came
  model::CanonicalDigest diff_id; // of the uncompressed bytes
  std::string tarsum; // "tarsum+sha256:…"; empty for what is no tar that berth can read, or has too many files
  std::uint64_t size; // bytes as they came
  Compression compression;
};

// json: the hash of the image's JSON so far, which need not be kept meanwhile.
// Errors: image_invalid for a layer that cannot be uncompressed; unavailable, as the task says; io.
Result<LayerSums> sum_layer(Unpacking::Task& task, const model::Sha256& json, const Content& layer);

} // namespace berth::storage
