// V1Chains: the manifests of repositories as the chains of images that v1 clients pull.
// Threads: safe.
#pragma once

#include <optional>
#include <vector>

#include "model/v1_image.h"
#include "registry/registry.h"

namespace berth::storage {

struct V1Chain {
  model::CanonicalDigest manifest;    // the image's own: not that of an index it was found in
  std::vector<model::V1Image> images; // the image itself first, its base last
  // One an image; nothing where the manifest does not say (schema1).
  std::vector<std::optional<model::Digest>> diff_ids;
  bool chosen_ids = false; // by whoever pushed it (schema1), and not made of the content
};

// The chain of a manifest in a repository; of an index, that of its linux/amd64 image.
// Errors: manifest_unknown if it, or a part of it, is not there; manifest_invalid if v1 clients cannot pull it, with
// why in detail; corrupt.
Result<V1Chain> v1_chain_of(registry::Repository& repository, const model::CanonicalDigest& manifest);

} // namespace berth::storage
