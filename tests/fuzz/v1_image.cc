// The JSON of v1 images, and schema1 manifests as chains of them. Input: a document.
#include <nlohmann/json.hpp>

#include "fuzz/oracle.h"
#include "model/manifest.h"
#include "model/media_types.h"
#include "model/v1_image.h"
#include "model/v1_push.h"

using namespace berth;
using namespace berth::fuzz;

namespace {

void check_push(const std::string& json) {
  const auto image = model::parse_v1_json(json);
  if (!image) return;
  require(!image->parent || *image->parent != image->id);
  model::architecture_of(json);
  const auto digest = model::CanonicalDigest::of_bytes("layer");
  const model::V1Part part{json, {std::string(model::media::docker_layer_gzip), 5, digest}, digest};
  const std::vector<model::V1Part> chain{part, part};
  const auto made = model::docker_image_of(chain);
  require(made.has_value());
  require(model::docker_image_of(chain)->config == made->config);
  const auto info = model::parse_manifest(model::media::docker_manifest, made->manifest);
  require(info.has_value() && info->contents.front().digest == model::CanonicalDigest::of_bytes(made->config));
  const auto config = nlohmann::json::parse(made->config);
  require(config["rootfs"]["diff_ids"].size() == info->contents.size() - 1);
  require(config["history"].size() == 2 && !config.contains("id") && !config.contains("parent"));
  // And it can be served to v1 clients again; a `created` that is no time is the one thing that v1 lets pass.
  const auto back = model::v1_chain_of(*info, made->config);
  if (back) require(back->images.size() == 2);
}

void check_schema1(std::string_view payload) {
  const auto chain = model::v1_chain_of_schema1(payload);
  if (!chain) return;
  require(!chain->images.empty());
  for (std::size_t i = 0; i < chain->images.size(); ++i) {
    const auto image = model::parse_v1_json(chain->images[i].json);
    require(image && image->id.str() == chain->images[i].id);
    require(image->parent.has_value() == (i + 1 < chain->images.size()));
    if (image->parent) require(image->parent->str() == chain->images[i + 1].id);
  }
}

} // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view input = text_of(bytes, size);
  check_push(std::string(input));
  check_schema1(input);
  return 0;
}
