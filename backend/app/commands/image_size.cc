#include "app/commands/image_size.h"

#include <map>

namespace berth::app {
namespace {

using Sizes = std::map<model::Digest, std::uint64_t>; // of blobs and manifests

void add_contents(const model::ManifestInfo& info, Sizes& sizes) {
  for (const model::ContentReference& content : info.contents)
    sizes[content.digest] = content.size > 0 ? static_cast<std::uint64_t>(content.size) : 0;
}

} // namespace

Result<ImageSize> ImageSizes::of(const model::Digest& digest) {
  if (const ImageSize* known = known_.find(digest.str())) return *known;
  BERTH_TRY(const model::Manifest manifest, repository_.manifests().get(digest));
  BERTH_TRY(const model::ManifestInfo info, model::detect_manifest(manifest.bytes));
  ImageSize size{.kind = info.kind};
  Sizes sizes{{digest, manifest.bytes.size()}};
  if (!model::is_index(info.kind)) add_contents(info, sizes);
  for (const model::ContentReference& child : info.contents) {
    if (!model::is_index(info.kind)) break;
    ++size.children;
    const auto its = repository_.manifests().get(child.digest);
    const auto read = its ? model::detect_manifest(its->bytes) : std::unexpected(its.error());
    if (!read) continue; // sparse, or an index of other things
    sizes[child.digest] = its->bytes.size();
    add_contents(*read, sizes);
  }
  for (const auto& [name, bytes] : sizes) size.bytes += bytes;
  known_.put(digest.str(), size);
  return size;
}

} // namespace berth::app
