#include "model/manifest.h"

#include <array>
#include <nlohmann/json.hpp>
#include <set>

#include "model/media_types.h"

namespace berth::model {
namespace {

using Json = nlohmann::json;

struct KindInfo {
  ManifestKind kind;
  std::string_view media_type;
};
constexpr std::array<KindInfo, 4> kinds{{
    {ManifestKind::docker_manifest, media::docker_manifest},
    {ManifestKind::docker_list, media::docker_list},
    {ManifestKind::oci_manifest, media::oci_manifest},
    {ManifestKind::oci_index, media::oci_index},
}};

const KindInfo* find_kind(std::string_view media_type) {
  for (const KindInfo& info : kinds)
    if (info.media_type == media_type) return &info;
  return nullptr;
}

std::unexpected<Error> invalid(std::string detail) { return fail(Code::manifest_invalid, {}, std::move(detail)); }

enum class Duplicates { allowed, refused };

// Refuses what parsers disagree about or choke on: a key that stands twice in one object, deep nesting, too many
// values. A pass of its own, as the library's callback for building a document takes time quadratic in the length of an
// array.
class StrictCheck final : public nlohmann::json_sax<Json> {
public:
  explicit StrictCheck(Duplicates duplicates) : duplicates_(duplicates) {}
  const std::string& why_not() const { return why_not_; }

  bool null() override { return count(); }
  bool boolean(bool) override { return count(); }
  bool number_integer(number_integer_t) override { return count(); }
  bool number_unsigned(number_unsigned_t) override { return count(); }
  bool number_float(number_float_t, const string_t&) override { return count(); }
  bool string(string_t&) override { return count(); }
  bool binary(binary_t&) override { return count(); }
  bool start_object(std::size_t) override {
    keys_.emplace_back();
    return enter();
  }
  bool key(string_t& name) override {
    if (duplicates_ == Duplicates::allowed || keys_.back().insert(name).second) return true;
    return refuse("duplicate key \"" + name + "\"");
  }
  bool end_object() override {
    keys_.pop_back();
    return leave();
  }
  bool start_array(std::size_t) override { return enter(); }
  bool end_array() override { return leave(); }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception& error) override {
    // What it says quotes the input, which may not be UTF-8 and so could not be said again.
    const bool encoding = std::string_view(error.what()).find("UTF-8") != std::string_view::npos;
    return refuse(encoding ? "not JSON: invalid UTF-8" : "not JSON: syntax error");
  }

private:
  bool refuse(std::string why) {
    why_not_ = std::move(why);
    return false;
  }
  bool count() { return ++values_ <= max_manifest_values || refuse("too many values"); }
  bool enter() {
    if (++depth_ > max_manifest_depth) return refuse("nested too deeply");
    return count();
  }
  bool leave() {
    --depth_;
    return true;
  }

  Duplicates duplicates_;
  int depth_ = 0;
  int values_ = 0;
  std::vector<std::set<std::string>> keys_; // of the objects that are open
  std::string why_not_;
};

Result<Json> parse_json(std::string_view bytes, Duplicates duplicates) {
  // The parser would pass over both, clients do not.
  if (bytes.starts_with("\xef\xbb\xbf") || bytes.find('\0') != std::string_view::npos)
    return invalid("not JSON: a byte order mark or a NUL byte");
  StrictCheck check(duplicates);
  try {
    if (!Json::sax_parse(bytes, &check)) return invalid(check.why_not());
  } catch (const Json::exception&) { // a number out of range
    return invalid("not JSON: syntax error");
  }
  Json json = Json::parse(bytes, nullptr, false); // no exceptions
  if (json.is_discarded()) return invalid("not JSON: syntax error");
  if (!json.is_object()) return invalid("not a JSON object");
  return json;
}

// A member as a string; empty if it is absent or null.
Result<std::string> string_member(const Json& object, const char* name) {
  const auto member = object.find(name);
  if (member == object.end() || member->is_null()) return std::string();
  if (!member->is_string()) return invalid(std::string(name) + " is not a string");
  return member->get<std::string>();
}

Result<std::vector<std::string>> strings_member(const Json& object, const char* name) {
  std::vector<std::string> strings;
  const auto member = object.find(name);
  if (member == object.end() || member->is_null()) return strings;
  if (!member->is_array()) return invalid(std::string(name) + " is not an array");
  for (const Json& element : *member) {
    if (!element.is_string()) return invalid(std::string(name) + " holds something else than strings");
    strings.push_back(element.get<std::string>());
  }
  return strings;
}

Result<std::int64_t> size_member(const Json& object) {
  const auto member = object.find("size");
  if (member == object.end() || member->is_null()) return std::int64_t{0};
  if (!member->is_number_integer()) return invalid("size is not an integer");
  if (member->is_number_unsigned() && member->get<std::uint64_t>() > INT64_MAX) return invalid("size is out of range");
  if (member->get<std::int64_t>() < 0) return invalid("size is negative");
  return member->get<std::int64_t>();
}

Result<ContentReference> parse_content(const Json& object) {
  if (!object.is_object()) return invalid("a descriptor is not an object");
  BERTH_TRY(std::string digest_text, string_member(object, "digest"));
  BERTH_TRY(Digest digest, Digest::parse(digest_text));
  BERTH_TRY(std::string media_type, string_member(object, "mediaType"));
  BERTH_TRY(const std::int64_t size, size_member(object));
  BERTH_TRY(std::vector<std::string> urls, strings_member(object, "urls"));
  ContentReference content{std::move(media_type), std::move(digest), size, std::move(urls), {}, {}};
  if (const auto platform = object.find("platform"); platform != object.end() && !platform->is_null()) {
    if (!platform->is_object()) return invalid("platform is not an object");
    BERTH_TRY(content.os, string_member(*platform, "os"));
    BERTH_TRY(content.architecture, string_member(*platform, "architecture"));
  }
  return content;
}

Result<> parse_contents(const Json& document, const char* name, std::vector<ContentReference>& contents) {
  const auto member = document.find(name);
  if (member == document.end() || member->is_null()) return {};
  if (!member->is_array()) return invalid(std::string(name) + " is not an array");
  for (const Json& element : *member) {
    BERTH_TRY(ContentReference content, parse_content(element));
    contents.push_back(std::move(content));
  }
  return {};
}

bool has_value(const Json& document, const char* name) {
  const auto member = document.find(name);
  return member != document.end() && !member->is_null();
}

// An OCI document that could be read as the other kind is refused: two clients would see two different images in it
// (docker/distribution's answer to CVE-2021-41190).
Result<> check_unambiguous(ManifestKind kind, const Json& document) {
  if (kind == ManifestKind::oci_manifest && has_value(document, "manifests"))
    return invalid("expected an image manifest but found an index");
  if (kind == ManifestKind::oci_index && (has_value(document, "config") || has_value(document, "layers")))
    return invalid("expected an index but found an image manifest");
  return {};
}

// Stored bytes may come from a registry that did not look at subjects: an unreadable one counts as none.
std::optional<Digest> stored_subject(const Json& document) {
  const auto subject = document.find("subject");
  if (subject == document.end() || !subject->is_object()) return std::nullopt;
  const auto digest = subject->find("digest");
  if (digest == subject->end() || !digest->is_string()) return std::nullopt;
  auto parsed = Digest::parse(digest->get<std::string>());
  return parsed ? std::optional(*std::move(parsed)) : std::nullopt;
}

Result<ManifestInfo> read_document(ManifestKind kind, bool names_its_media_type, const Json& document) {
  ManifestInfo info{kind, names_its_media_type, {}, {}};
  if (kind == ManifestKind::oci_manifest || kind == ManifestKind::oci_index) info.subject = stored_subject(document);
  if (is_index(kind)) {
    // Without it, and without a mediaType, the stored bytes could not be told from an image manifest.
    if (!has_value(document, "manifests")) return invalid("manifests is missing");
    BERTH_CHECK(parse_contents(document, "manifests", info.contents));
    return info;
  }
  if (!has_value(document, "config")) return invalid("config is missing");
  BERTH_TRY(ContentReference config, parse_content(document["config"]));
  info.contents.push_back(std::move(config));
  BERTH_CHECK(parse_contents(document, "layers", info.contents));
  return info;
}

Result<> check_schema_version(const Json& document) {
  const auto version = document.find("schemaVersion");
  if (version == document.end() || !version->is_number_integer() || *version != 2)
    return invalid("unrecognized manifest schema version");
  return {};
}

} // namespace

std::string_view media_type_of(ManifestKind kind) { return kinds[static_cast<std::size_t>(kind)].media_type; }

Result<ManifestInfo> parse_manifest(std::string_view content_type, std::string_view bytes) {
  std::string_view media_type = content_type.substr(0, content_type.find(';'));
  media_type = media_type.substr(0, media_type.find_last_not_of(" \t") + 1);
  const KindInfo* known = find_kind(media_type);
  if (known == nullptr)
    return invalid("unsupported manifest media type and no default available: " + std::string(content_type));
  if (bytes.size() > max_manifest_bytes) return fail(Code::manifest_too_large);

  BERTH_TRY(const Json document, parse_json(bytes, Duplicates::refused));
  BERTH_CHECK(check_schema_version(document));
  BERTH_TRY(const std::string named, string_member(document, "mediaType"));
  const bool is_oci = known->kind == ManifestKind::oci_manifest || known->kind == ManifestKind::oci_index;
  if (named != media_type && !(named.empty() && is_oci))
    return invalid("mediaType in manifest should be '" + std::string(media_type) + "' not '" + named + "'");
  BERTH_CHECK(check_unambiguous(known->kind, document));
  BERTH_TRY(ManifestInfo info, read_document(known->kind, !named.empty(), document));
  const bool refers = is_oci && has_value(document, "subject");
  if (refers && !info.subject) return invalid("subject is no descriptor with a digest that is supported");
  return info;
}

Result<ManifestInfo> detect_manifest(std::string_view bytes) {
  // What is stored may come from another registry, which was less strict.
  BERTH_TRY(const Json document, parse_json(bytes, Duplicates::allowed));
  BERTH_CHECK(check_schema_version(document));
  BERTH_TRY(const std::string named, string_member(document, "mediaType"));
  if (!named.empty()) {
    const KindInfo* known = find_kind(named);
    if (known == nullptr) return invalid("unrecognized manifest content type " + named);
    return read_document(known->kind, true, document);
  }
  const bool index = has_value(document, "manifests");
  return read_document(index ? ManifestKind::oci_index : ManifestKind::oci_manifest, false, document);
}

} // namespace berth::model
