// Manifest: the stored bytes of a manifest and what berth needs to know of them. Bytes are never re-serialised.
// Spec: docker image-spec v2 schema 2 and manifest lists; OCI image-spec "Image Manifest" and "Image Index".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/digest.h"

namespace berth::model {

// Largest manifest that is taken or served, in bytes (docker/distribution's maxManifestBodySize).
inline constexpr std::size_t max_manifest_bytes = 4 * 1024 * 1024;

// Of schema1, what is stored is the payload alone: see schema1.h.
enum class ManifestKind { docker_manifest, docker_list, oci_manifest, oci_index, schema1 };

std::string_view media_type_of(ManifestKind kind);
inline bool is_index(ManifestKind kind) { return kind == ManifestKind::docker_list || kind == ManifestKind::oci_index; }

// One thing that a manifest names: its config, a layer, or a child of an index.
struct ContentReference {
  std::string media_type;
  Digest digest;
  std::int64_t size = 0;
  std::vector<std::string> urls;
  std::string os; // of a child's platform; empty if not given
  std::string architecture;
};

struct ManifestInfo {
  ManifestKind kind;
  bool names_its_media_type = false;      // the JSON has a mediaType
  std::vector<ContentReference> contents; // config first and then layers; an index's children; schema1: layers
  std::optional<Digest> subject = {};     // the manifest that this OCI document refers to
};

struct Manifest {
  ManifestKind kind;
  bool names_its_media_type = false;
  std::string bytes;
};

// Reads and checks the bytes of a PUT (of any but schema1) against the media type of its Content-Type (parameters
// stripped): the checks of docker/distribution that look at the document alone, and those of manifest_members.h.
// Refused are also duplicate keys, invalid UTF-8, deeper nesting than max_json_depth (strict_json.h) and anything after
// the document. Errors: manifest_invalid, with what is wrong in detail.
Result<ManifestInfo> parse_manifest(std::string_view content_type, std::string_view bytes);

// Returns the kind of stored bytes, by schemaVersion and mediaType, or, for an OCI document without mediaType, by its
// `manifests` array. Errors: manifest_invalid if they are none of the five kinds.
Result<ManifestInfo> detect_manifest(std::string_view bytes);

} // namespace berth::model
