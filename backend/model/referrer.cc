#include "model/referrer.h"

#include <nlohmann/json.hpp>

#include "model/strict_json.h"

namespace berth::model {
namespace {

constexpr std::size_t max_tag_hex = 64;

std::string text_member(const Json& object, const char* name) {
  const auto member = object.find(name);
  return member != object.end() && member->is_string() ? member->get<std::string>() : std::string();
}

// Keeps the annotations that are strings, as image-spec defines them, and leaves out the others.
std::string annotations_of(const Json& document) {
  const auto member = document.find("annotations");
  if (member == document.end() || !member->is_object()) return {};
  Json annotations = Json::object();
  for (const auto& [name, value] : member->items())
    if (value.is_string()) annotations[name] = value;
  return annotations.empty() ? std::string() : annotations.dump();
}

} // namespace

Result<std::optional<Referrer>> read_referrer(std::string_view bytes) {
  BERTH_TRY(ManifestInfo info, detect_manifest(bytes));
  if (!info.subject) return std::optional<Referrer>();
  const DocumentTurn turn(bytes.size());
  const Json document = Json::parse(bytes, nullptr, false); // known to be JSON, and not too deep
  std::string type = text_member(document, "artifactType");
  if (type.empty() && !is_index(info.kind)) type = info.contents.front().media_type;
  return std::optional(
      Referrer{info.kind, bytes.size(), *std::move(info.subject), std::move(type), annotations_of(document)});
}

Tag referrers_tag(const Digest& subject) {
  const std::string text = std::string(subject.label()) + "-" + std::string(subject.hex().substr(0, max_tag_hex));
  return Tag::parse(text).value();
}

} // namespace berth::model
