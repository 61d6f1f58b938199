// What an image takes: the manifests, configs and layers that a manifest leads to, each counted once.
#pragma once

#include <cstdint>
#include <string>

#include "base/lru_map.h"
#include "base/result.h"
#include "model/manifest.h"
#include "registry/registry.h"

namespace berth::app {

struct ImageSize {
  model::ManifestKind kind = model::ManifestKind::oci_manifest;
  std::uint64_t bytes = 0;  // as compressed; what an index names and is not there counts nothing
  std::size_t children = 0; // of an index
};

// Asked about many tags, it reads a manifest that several lead to once. Threads: one. Borrows: the repository.
class ImageSizes {
public:
  explicit ImageSizes(registry::Repository& repository) : repository_(repository) {}
  // Errors: manifest_unknown, corrupt, manifest_invalid, io.
  Result<ImageSize> of(const model::Digest& manifest);

private:
  static constexpr std::size_t max_entries = 10'000;
  registry::Repository& repository_;
  LruMap<std::string, ImageSize> known_{max_entries};
};

} // namespace berth::app
