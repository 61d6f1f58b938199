#include "storage/v1/chains.h"

#include <algorithm>
#include <ranges>

#include "model/v1_push.h"

namespace berth::storage {
namespace {

using model::CanonicalDigest;

// Largest config that is looked at.
constexpr std::size_t max_config_bytes = 8 * 1024 * 1024;
// Of the empty tar, 1024 zero bytes.
const CanonicalDigest& empty_diff_id() {
  static const CanonicalDigest digest = CanonicalDigest::of_bytes(std::string(1024, '\0'));
  return digest;
}

struct Image {
  CanonicalDigest digest;
  std::string bytes;
  model::ManifestInfo info;
};

Result<Image> read_image(registry::Repository& repository, const model::Digest& digest) {
  BERTH_TRY(model::Manifest manifest, repository.manifests().get(digest));
  BERTH_TRY(model::ManifestInfo info, model::detect_manifest(manifest.bytes));
  const auto canonical = CanonicalDigest::of_bytes(manifest.bytes);
  return Image{canonical, std::move(manifest.bytes), std::move(info)};
}

Result<Image> image_of(registry::Repository& repository, const CanonicalDigest& digest) {
  BERTH_TRY(Image image, read_image(repository, digest));
  if (!model::is_index(image.info.kind)) return image;
  for (const model::ContentReference& child : image.info.contents) {
    if (child.os != "linux" || child.architecture != "amd64") continue;
    return read_image(repository, child.digest);
  }
  return fail(Code::manifest_invalid, {}, "it has no linux/amd64 image");
}

Result<std::string> config_of(registry::Repository& repository, const model::ManifestInfo& image) {
  if (image.contents.empty()) return fail(Code::manifest_invalid, {}, "it has no config");
  auto bytes = repository.blobs().get(image.contents.front().digest, max_config_bytes);
  if (!bytes && is(bytes.error(), Code::blob_unknown)) return fail(Code::manifest_unknown, {}, "its config is gone");
  if (!bytes && is(bytes.error(), Code::size_invalid))
    return fail(Code::manifest_invalid, {}, "its config is too large");
  return bytes;
}

// One an image: those of the config belong to the images that add something, base first.
Result<std::vector<std::optional<model::Digest>>> diff_ids_of(const model::V1Chain& chain, std::string_view config) {
  BERTH_TRY(const auto named, model::diff_ids_of(config));
  std::vector<std::optional<model::Digest>> diff_ids;
  auto next = named.begin();
  for (const model::V1Image& image : std::views::reverse(chain.images)) {
    if (!image.adds_nothing && next == named.end()) return fail(Code::manifest_invalid, {}, "a diff_id is missing");
    diff_ids.emplace_back(image.adds_nothing ? model::Digest(empty_diff_id()) : *next++);
  }
  std::ranges::reverse(diff_ids);
  return diff_ids;
}

Result<> check_depth(const model::V1Chain& chain) {
  if (chain.images.size() <= model::max_v1_chain) return {};
  return fail(Code::manifest_invalid, {}, "it is made of more than 127 images, which docker before 1.6 cannot run");
}

} // namespace

Result<V1Chain> v1_chain_of(registry::Repository& repository, const CanonicalDigest& manifest) {
  BERTH_TRY(const Image image, image_of(repository, manifest));
  if (image.info.kind == model::ManifestKind::schema1) {
    BERTH_TRY(model::V1Chain chain, model::v1_chain_of_schema1(image.bytes));
    BERTH_CHECK(check_depth(chain));
    std::vector<std::optional<model::Digest>> unknown(chain.images.size());
    return V1Chain{image.digest, std::move(chain.images), std::move(unknown), true};
  }
  BERTH_TRY(const std::string config, config_of(repository, image.info));
  BERTH_TRY(model::V1Chain chain, model::v1_chain_of(image.info, config));
  BERTH_CHECK(check_depth(chain));
  BERTH_TRY(auto diff_ids, diff_ids_of(chain, config));
  return V1Chain{image.digest, std::move(chain.images), std::move(diff_ids)};
}

} // namespace berth::storage
