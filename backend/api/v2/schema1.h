// Schema1 manifests at the manifest endpoints: taken in signed, served signed, and made of images for clients that know
// nothing newer. Spec: docker/distribution 2.8; docs/decisions/0009-schema1.md.
#pragma once

#include "api/v2/call.h"
#include "model/manifest.h"

namespace berth::api::v2 {

// Whether the client can make use of schema1: its Accept names it, or it is docker 1.6 to 1.9, which sends none.
bool takes_schema1(const Call& call);
// Docker 1.6 to 1.9, by the User-Agent.
bool is_schema1_client(std::string_view user_agent);

// The payload that an image manifest is converted to. Puts the empty tar into the repository if the payload names it.
// Errors: manifest_invalid if the image cannot be converted, or its config is not there.
Result<model::Manifest> convert_to_schema1(Call& call, const model::Tag& tag, const model::Manifest& image);

// A payload as clients get it: with the signatures that were pushed, or one by the registry's own key.
Result<std::string> signed_document(Call& call, const std::string& payload);

// The parts of a pushed manifest: the bytes to store, and the signatures to store beside them.
struct Pushed {
  model::ManifestInfo info;
  std::string bytes;                   // the body; of a schema1 manifest the payload
  std::vector<std::string> signatures; // of a schema1 manifest
};
// Reads a body that is a manifest of any kind, by its Content-Type (without parameters).
// Errors: those of model::parse_manifest and model::parse_signed_schema1; manifest_invalid for schema1, unless it is
// enabled.
Result<Pushed> read_pushed(const Call& call, std::string_view content_type, std::string body);
// Stores signatures, if they are to be kept. Requires: the manifest is stored. Durable.
Result<> keep_signatures(Call& call, const model::CanonicalDigest& manifest,
                         const std::vector<std::string>& signatures);

} // namespace berth::api::v2
