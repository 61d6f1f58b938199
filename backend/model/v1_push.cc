#include "model/v1_push.h"

#include <ranges>

#include "model/media_types.h"
#include "model/strict_json.h"

namespace berth::model {
namespace {

std::unexpected<Error> invalid(const char* message) { return fail(Code::image_invalid, message); }

// The members of a v1 JSON that a config does not have.
constexpr const char* v1_only[] = {"id", "parent", "Size", "parent_id", "layer_id", "throwaway"};

Result<Json> parse_image(std::string_view json) {
  auto document = parse_json(json, Duplicates::allowed); // the last one counts, as for Go
  if (!document) return invalid("Invalid JSON");
  return document;
}

// A member that is a string and not empty, or nothing.
std::string text_of(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

bool is_throwaway(const Json& image) {
  const auto found = image.find("throwaway");
  return found != image.end() && found->is_boolean() && found->get<bool>();
}

// The command that made the layer, as docker 1.10 tells it of an older image.
std::string created_by(const Json& image) {
  const auto config = image.find("container_config");
  if (config == image.end() || !config->is_object()) return {};
  const auto command = config->find("Cmd");
  if (command == config->end() || !command->is_array()) return {};
  std::string text;
  for (const Json& word : *command)
    if (word.is_string()) text += (text.empty() ? "" : " ") + word.get<std::string>();
  return text;
}

Json history_entry(const Json& image) {
  Json entry = Json::object();
  for (const char* name : {"created", "author", "comment"})
    if (std::string text = text_of(image, name); !text.empty()) entry[name] = std::move(text);
  if (std::string text = created_by(image); !text.empty()) entry["created_by"] = std::move(text);
  if (is_throwaway(image)) entry["empty_layer"] = true;
  return entry;
}

using OrderedJson = nlohmann::ordered_json;

OrderedJson described(std::string_view media_type, std::uint64_t size, const Digest& digest) {
  return {{"mediaType", media_type}, {"size", size}, {"digest", digest.str()}};
}

} // namespace

Result<V1Json> parse_v1_json(std::string_view json) {
  BERTH_TRY(const Json document, parse_image(json));
  if (!document.contains("id")) return invalid("Missing key `id' in JSON");
  auto id = ImageId::parse(text_of(document, "id"));
  if (!id) return invalid("JSON data contains invalid id");
  V1Json image{*std::move(id), std::nullopt};
  if (!has_value(document, "parent")) return image;
  const std::string parent = text_of(document, "parent");
  if (parent.empty() && document["parent"].is_string()) return image;
  auto parent_id = ImageId::parse(parent);
  if (!parent_id || *parent_id == image.id) return invalid("JSON data contains invalid parent");
  image.parent = *std::move(parent_id);
  return image;
}

Result<DockerImage> docker_image_of(std::span<const V1Part> parts) {
  BERTH_TRY(Json config, parse_image(parts.front().json));
  for (const char* name : v1_only) config.erase(name);
  if (text_of(config, "architecture").empty()) config["architecture"] = "amd64";
  if (text_of(config, "os").empty()) config["os"] = "linux";

  Json history = Json::array(), diff_ids = Json::array();
  OrderedJson layers = OrderedJson::array();
  for (const V1Part& part : std::views::reverse(parts)) {
    BERTH_TRY(const Json image, parse_image(part.json));
    history.push_back(history_entry(image));
    if (is_throwaway(image)) continue;
    diff_ids.push_back(part.diff_id.str());
    layers.push_back(described(part.layer.media_type, part.layer.size, part.layer.digest));
  }
  config["history"] = std::move(history);
  config["rootfs"] = {{"type", "layers"}, {"diff_ids", std::move(diff_ids)}};

  DockerImage made{config.dump(), {}};
  const OrderedJson manifest{
      {"schemaVersion", 2},
      {"mediaType", media::docker_manifest},
      {"config", described(media::docker_image_config, made.config.size(), CanonicalDigest::of_bytes(made.config))},
      {"layers", std::move(layers)},
  };
  made.manifest = manifest.dump(3);
  return made;
}

std::string architecture_of(std::string_view json) {
  const auto image = parse_image(json);
  const std::string text = image ? text_of(*image, "architecture") : std::string();
  return text.empty() ? "amd64" : text;
}

Result<std::vector<Digest>> diff_ids_of(std::string_view config) {
  BERTH_TRY(const Json document, parse_json(config, Duplicates::allowed));
  std::vector<Digest> digests;
  if (!has_value(document, "rootfs") || !document["rootfs"].is_object()) return digests;
  BERTH_TRY(const auto texts, strings_member(document["rootfs"], "diff_ids"));
  for (const std::string& text : texts) {
    BERTH_TRY(Digest digest, Digest::parse(text));
    digests.push_back(std::move(digest));
  }
  return digests;
}

} // namespace berth::model
