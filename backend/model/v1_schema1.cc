// A schema1 manifest as a chain of V1 images.
#include <set>

#include "model/image_id.h"
#include "model/strict_json.h"
#include "model/v1_image.h"

namespace berth::model {
namespace {

std::unexpected<Error> invalid(std::string detail) { return fail(Code::manifest_invalid, {}, std::move(detail)); }

Result<const Json*> array_member(const Json& document, const char* name) {
  const auto member = document.find(name);
  if (member == document.end() || !member->is_array()) return invalid(std::string(name) + " is not an array");
  return &*member;
}

struct Part {
  V1Image image;
  std::string parent; // empty: none
};

Result<Part> read_part(const Json& layer, const Json& history) {
  if (!layer.is_object() || !history.is_object()) return invalid("a layer or its history is not an object");
  BERTH_TRY(const std::string blob_sum, string_member(layer, "blobSum"));
  auto blob = Digest::parse(blob_sum);
  if (!blob) return invalid("a layer that is named by no digest: " + blob_sum.substr(0, 80));
  BERTH_TRY(std::string text, string_member(history, "v1Compatibility"));
  BERTH_TRY(const Json json, parse_json(text, Duplicates::allowed));
  BERTH_TRY(std::string id, string_member(json, "id"));
  if (!ImageId::parse(id)) return invalid("an image without an id");
  BERTH_TRY(std::string parent, string_member(json, "parent"));
  const auto throwaway = json.find("throwaway");
  const bool adds_nothing = throwaway != json.end() && throwaway->is_boolean() && throwaway->get<bool>();
  return Part{{std::move(id), std::move(text), *std::move(blob), 0, adds_nothing}, std::move(parent)};
}

} // namespace

Result<V1Chain> v1_chain_of_schema1(std::string_view payload) {
  BERTH_TRY(const Json document, parse_json(payload, Duplicates::allowed));
  BERTH_TRY(const Json* layers, array_member(document, "fsLayers"));
  BERTH_TRY(const Json* history, array_member(document, "history"));
  if (layers->empty() || layers->size() != history->size()) return invalid("not one history entry a layer");
  V1Chain chain;
  BERTH_TRY(chain.architecture, string_member(document, "architecture"));
  std::string parent;
  std::set<std::string> seen;
  for (std::size_t i = 0; i < layers->size(); ++i) {
    BERTH_TRY(Part part, read_part((*layers)[i], (*history)[i]));
    // Docker 1.6 could write an image twice in a row; those that read it take it for one.
    if (!chain.images.empty() && chain.images.back().id == part.image.id) continue;
    if (!chain.images.empty() && parent != part.image.id) return invalid("an image is not its successor's parent");
    if (!seen.insert(part.image.id).second) return invalid("an image is its own ancestor");
    parent = std::move(part.parent);
    chain.images.push_back(std::move(part.image));
  }
  if (!parent.empty()) return invalid("the base has a parent");
  return chain;
}

} // namespace berth::model
