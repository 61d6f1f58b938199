// Referrer: what a list of referrers tells of a manifest that names another as its subject.
// Spec: OCI distribution-spec "Listing Referrers" and "Referrers Tag Schema".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "model/manifest.h"
#include "model/names.h"

namespace berth::model {

struct Referrer {
  ManifestKind kind = ManifestKind::oci_manifest;
  std::uint64_t size = 0;
  Digest subject;
  std::string artifact_type; // the document's own, or an image manifest's config type; empty: none
  std::string annotations;   // a JSON object as text; empty: none
};

// Reads a stored manifest; nothing if it names no subject.
// Errors: manifest_invalid.
Result<std::optional<Referrer>> read_referrer(std::string_view bytes);

// The tag under which clients keep a list of referrers where a registry has none: `sha256-<hex>`, at most 64 of <hex>.
Tag referrers_tag(const Digest& subject);

} // namespace berth::model
