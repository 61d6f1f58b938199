#include "model/manifest.h"

#include <array>

#include "model/manifest_members.h"
#include "model/media_types.h"
#include "model/strict_json.h"

namespace berth::model {
namespace {

struct KindInfo {
  ManifestKind kind;
  std::string_view media_type;
};
constexpr std::array<KindInfo, 5> kinds{{
    {ManifestKind::docker_manifest, media::docker_manifest},
    {ManifestKind::docker_list, media::docker_list},
    {ManifestKind::oci_manifest, media::oci_manifest},
    {ManifestKind::oci_index, media::oci_index},
    {ManifestKind::schema1, media::docker_schema1_signed},
}};

// Of those that say their media type, and are what is stored.
const KindInfo* find_kind(std::string_view media_type) {
  for (const KindInfo& info : kinds)
    if (info.media_type == media_type && info.kind != ManifestKind::schema1) return &info;
  return nullptr;
}

std::unexpected<Error> invalid(std::string detail) { return fail(Code::manifest_invalid, {}, std::move(detail)); }

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
    // Without either, the stored bytes could not be told from an image manifest.
    if (!names_its_media_type && !has_value(document, "manifests")) return invalid("manifests is missing");
    BERTH_CHECK(parse_contents(document, "manifests", info.contents));
    return info;
  }
  if (!has_value(document, "config")) return invalid("config is missing");
  BERTH_TRY(ContentReference config, parse_content(document["config"]));
  info.contents.push_back(std::move(config));
  BERTH_CHECK(parse_contents(document, "layers", info.contents));
  return info;
}

// The layers that a schema1 payload names. A blobSum that is no digest berth knows (a tarsum) is passed over: what was
// taken once is still served.
ManifestInfo read_schema1(const Json& payload) {
  ManifestInfo info{ManifestKind::schema1, false, {}};
  if (!has_value(payload, "fsLayers") || !payload["fsLayers"].is_array()) return info;
  for (const Json& layer : payload["fsLayers"]) {
    if (!layer.is_object()) continue;
    const auto digest = Digest::parse(string_member(layer, "blobSum").value_or(""));
    if (digest) info.contents.push_back({std::string(media::docker_schema1_layer), *digest, 0, {}, {}, {}});
  }
  return info;
}

bool is_schema1(const Json& document) {
  const auto version = document.find("schemaVersion");
  return version != document.end() && version->is_number_integer() && *version == 1;
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

  const DocumentTurn turn(bytes.size());
  BERTH_TRY(const Json document, parse_json(bytes, Duplicates::refused));
  BERTH_CHECK(check_schema_version(document));
  BERTH_CHECK(check_members(document));
  BERTH_TRY(const std::string named, string_member(document, "mediaType"));
  const bool is_oci = known->kind == ManifestKind::oci_manifest || known->kind == ManifestKind::oci_index;
  if (named != media_type && !(named.empty() && is_oci))
    return invalid("mediaType in manifest should be '" + std::string(media_type) + "' not '" + named + "'");
  BERTH_CHECK(check_unambiguous(known->kind, document));
  BERTH_TRY(ManifestInfo info, read_document(known->kind, !named.empty(), document));
  if (has_value(document, "subject") && !stored_subject(document))
    return invalid("subject is no descriptor with a digest that is supported");
  return info;
}

Result<ManifestInfo> detect_manifest(std::string_view bytes) {
  const DocumentTurn turn(bytes.size());
  // Stored manifests may come from another registry, which was less strict.
  BERTH_TRY(const Json document, parse_json(bytes, Duplicates::allowed));
  if (is_schema1(document)) return read_schema1(document);
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
