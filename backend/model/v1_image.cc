#include "model/v1_image.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <span>

#include "base/encoding.h"
#include "model/digester.h"
#include "model/json_text.h"
#include "model/media_types.h"
#include "model/strict_json.h"

namespace berth::model {
namespace {

std::unexpected<Error> invalid(std::string detail) { return fail(Code::manifest_invalid, {}, std::move(detail)); }

constexpr std::array<std::string_view, 2> config_types{media::docker_image_config, media::oci_image_config};
constexpr std::array<std::string_view, 5> layer_types{media::docker_layer_gzip, media::docker_layer,
                                                      media::docker_schema1_layer, media::oci_layer_gzip,
                                                      media::oci_layer};

// One entry of a config's history, with Go's defaults.
struct Entry {
  std::string created = "0001-01-01T00:00:00Z";
  std::string created_by;
  std::string author;
  std::string comment;
  bool empty_layer = false;
};

struct Config {
  std::string architecture;
  std::string base_layer; // of Windows images
  std::size_t layers = 0; // diff_ids
  std::vector<Entry> history;
};

std::optional<int> digits(std::string_view text, std::size_t at, std::size_t count) {
  int number = 0;
  for (std::size_t i = at; i < at + count; ++i) {
    if (i >= text.size() || text[i] < '0' || text[i] > '9') return std::nullopt;
    number = number * 10 + (text[i] - '0');
  }
  return number;
}

bool in_range(std::optional<int> number, int low, int high) { return number && *number >= low && *number <= high; }

int days_in_month(int year, int month) {
  constexpr std::array<int, 12> days{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return month == 2 && leap ? 29 : days[static_cast<std::size_t>(month - 1)];
}

// An RFC 3339 time as Go reads and writes it again: nine fractional digits at most and no trailing zeros among them,
// the zone kept, but `Z` for +00:00. Years before 1678 are times too, so base/clock.h's type does not hold them all.
Result<std::string> rewrite_time(std::string_view text) {
  const auto wrong = [&] { return invalid("not a time: " + std::string(text.substr(0, 64))); };
  constexpr std::string_view shape = "0000-00-00T00:00:00";
  if (text.size() < shape.size() + 1) return wrong();
  for (std::size_t i = 0; i < shape.size(); ++i)
    if (shape[i] != '0' && text[i] != shape[i]) return wrong();
  const auto year = digits(text, 0, 4), month = digits(text, 5, 2), day = digits(text, 8, 2);
  if (!year || !in_range(month, 1, 12) || !in_range(day, 1, days_in_month(*year, *month)) ||
      !in_range(digits(text, 11, 2), 0, 23) || !in_range(digits(text, 14, 2), 0, 59) ||
      !in_range(digits(text, 17, 2), 0, 59))
    return wrong();
  std::string rewritten(text.substr(0, shape.size()));
  std::string_view rest = text.substr(shape.size());
  if (rest.starts_with('.')) {
    const std::size_t end = std::min(rest.find_first_not_of("0123456789", 1), rest.size());
    if (end == 1) return wrong();
    std::string_view fraction = rest.substr(0, std::min<std::size_t>(end, 10));
    fraction = fraction.substr(0, fraction.find_last_not_of('0') + 1);
    if (fraction.size() > 1) rewritten += fraction;
    rest.remove_prefix(end);
  }
  if (rest == "Z" || rest == "+00:00" || rest == "-00:00") return rewritten + "Z";
  if (rest.size() != 6 || (rest[0] != '+' && rest[0] != '-') || rest[3] != ':' ||
      !in_range(digits(rest, 1, 2), 0, 23) || !in_range(digits(rest, 4, 2), 0, 59))
    return wrong();
  return rewritten + std::string(rest);
}

Result<bool> flag_member(const Json& object, const char* name) {
  if (!has_value(object, name)) return false;
  if (!object[name].is_boolean()) return invalid(std::string(name) + " is not a boolean");
  return object[name].get<bool>();
}

Result<Entry> read_entry(const Json& object) {
  if (!object.is_object()) return invalid("history holds something else than objects");
  Entry entry;
  BERTH_TRY(const std::string created, string_member(object, "created"));
  if (has_value(object, "created")) {
    BERTH_TRY(entry.created, rewrite_time(created));
  }
  BERTH_TRY(entry.created_by, string_member(object, "created_by"));
  BERTH_TRY(entry.author, string_member(object, "author"));
  BERTH_TRY(entry.comment, string_member(object, "comment"));
  BERTH_TRY(entry.empty_layer, flag_member(object, "empty_layer"));
  return entry;
}

// A plain history for an image whose own does not fit its layers.
std::vector<Entry> plain_history(std::size_t layers, const std::string& created) {
  Entry entry;
  if (!created.empty()) entry.created = created;
  return std::vector<Entry>(layers, entry);
}

Result<Config> read_config(std::string_view bytes) {
  // Duplicate keys: the last one counts, for Go as for the parser here.
  BERTH_TRY(const Json document, parse_json(bytes, Duplicates::allowed));
  Config config;
  BERTH_TRY(config.architecture, string_member(document, "architecture"));
  if (has_value(document, "rootfs")) {
    const Json& rootfs = document["rootfs"];
    if (!rootfs.is_object()) return invalid("rootfs is not an object");
    BERTH_TRY(const auto diff_ids, strings_member(rootfs, "diff_ids"));
    config.layers = diff_ids.size();
    BERTH_TRY(config.base_layer, string_member(rootfs, "base_layer"));
  }
  if (has_value(document, "history")) {
    if (!document["history"].is_array()) return invalid("history is not an array");
    for (const Json& element : document["history"]) {
      BERTH_TRY(Entry entry, read_entry(element));
      config.history.push_back(std::move(entry));
    }
  }
  const auto full = std::ranges::count_if(config.history, [](const Entry& entry) { return !entry.empty_layer; });
  if (config.history.empty() || static_cast<std::size_t>(full) != config.layers) {
    BERTH_TRY(const std::string created, string_member(document, "created"));
    config.history = plain_history(config.layers, rewrite_time(created).value_or(""));
  }
  if (config.history.empty()) return invalid("an image without layers and history");
  return config;
}

Result<> check_types(const ManifestInfo& image) {
  if (is_index(image.kind) || image.contents.empty()) return invalid("not an image");
  const std::string& config = image.contents.front().media_type;
  // Docker images of 2016 may name no better type than this.
  const bool old = image.kind == ManifestKind::docker_manifest && config == media::octet_stream;
  if (!old && std::ranges::find(config_types, config) == config_types.end())
    return invalid("not a container image, but " + config);
  for (const ContentReference& layer : std::span(image.contents).subspan(1))
    if (std::ranges::find(layer_types, layer.media_type) == layer_types.end())
      return invalid("a layer that old clients cannot read: " + layer.media_type);
  return {};
}

std::string hex_of(std::string_view text) { return std::string(CanonicalDigest::of_bytes(text).hex()); }

// The parent that Windows images pretend to have.
std::string base_id(const std::string& base_layer) {
  Digester digester(Algorithm::sha384);
  digester.update(as_bytes(base_layer));
  return std::string(digester.finish().hex().substr(0, 64));
}

std::string inner_json(const Entry& entry, const std::string& id, const std::string& parent) {
  std::string json = R"({"id":)" + json_quote(id);
  if (!parent.empty()) json += R"(,"parent":)" + json_quote(parent);
  if (!entry.comment.empty()) json += R"(,"comment":)" + json_quote(entry.comment);
  json += R"(,"created":)" + json_quote(entry.created);
  json += R"(,"container_config":{"Cmd":[)" + json_quote(entry.created_by) + "]}";
  if (!entry.author.empty()) json += R"(,"author":)" + json_quote(entry.author);
  if (entry.empty_layer) json += R"(,"throwaway":true)";
  return json + "}";
}

// The config as the top image's JSON: without what v1 did not know, and with what it did.
std::string top_json(std::string_view config, const Entry& entry, const std::string& id, const std::string& parent) {
  std::map<std::string, std::string> members;
  for (const JsonMember& member : json_members(config)) members[member.name] = json_compact(member.value);
  members.erase("rootfs");
  members.erase("history");
  members["id"] = json_quote(id);
  if (!parent.empty()) members["parent"] = json_quote(parent);
  if (entry.empty_layer) members["throwaway"] = "true";
  std::string json = "{";
  for (const auto& [name, value] : members) {
    if (json.size() > 1) json += ',';
    json += json_quote(name) + ":" + value;
  }
  return json + "}";
}

} // namespace

bool V1Chain::needs_empty_tar() const {
  return std::ranges::any_of(images, [](const V1Image& image) { return image.adds_nothing; });
}

std::string_view empty_tar_gzip() {
  using namespace std::string_view_literals;
  return "\x1f\x8b\x08\x00\x00\x09\x6e\x88\x00\xff\x62\x18\x05\xa3\x60\x14\x8c\x58\x00\x08\x00\x00\xff\xff\x2e\xaf"
         "\xb5\xef\x00\x04\x00\x00"sv;
}

const CanonicalDigest& empty_tar_digest() {
  static const CanonicalDigest digest = CanonicalDigest::of_bytes(empty_tar_gzip());
  return digest;
}

Result<V1Chain> v1_chain_of(const ManifestInfo& image, std::string_view config_bytes) {
  BERTH_CHECK(check_types(image));
  BERTH_TRY(const Config config, read_config(config_bytes));
  if (config.layers != image.contents.size() - 1) return invalid("the config has not one diff_id a layer");

  V1Chain chain{config.architecture, {}};
  std::string parent;
  auto layer = image.contents.begin() + 1;
  for (std::size_t i = 0; i < config.history.size(); ++i) {
    const Entry& entry = config.history[i];
    const bool top = i + 1 == config.history.size();
    V1Image next{{}, {}, empty_tar_digest(), empty_tar_gzip().size(), entry.empty_layer};
    if (!entry.empty_layer) {
      next.blob = layer->digest;
      next.blob_size = static_cast<std::uint64_t>(layer->size);
      ++layer;
    }
    const std::string bound = std::string(next.blob.hex()) + " " + parent;
    next.id = hex_of(top ? bound + " " + std::string(config_bytes) : bound);
    // As the converter has it: the base's id does not depend on its pretended parent, and a sole image has none.
    if (i == 0 && !top && !config.base_layer.empty()) parent = base_id(config.base_layer);
    next.json = top ? top_json(config_bytes, entry, next.id, parent) : inner_json(entry, next.id, parent);
    parent = next.id;
    chain.images.push_back(std::move(next));
  }
  std::ranges::reverse(chain.images);
  return chain;
}

} // namespace berth::model
