// Schema1 manifests: what docker 1.6 to 1.9 push and pull. A manifest is its payload, a JSON document, and signatures
// over it; the payload alone is what is stored and what the digest is of.
// Spec: docker/distribution "Image Manifest Version 2, Schema 1"; docker/libtrust's pretty signatures.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "model/jws_key.h"
#include "model/manifest.h"
#include "model/names.h"
#include "model/v1_image.h"

namespace berth::model {

// Most signatures of one manifest, and the most bytes that one may have as compact JSON.
inline constexpr std::size_t max_schema1_signatures = 32;
inline constexpr std::size_t max_schema1_signature_bytes = 32 * 1024;

struct Schema1Signature {
  std::string key_id;
  std::string signature; // base64url
  std::string block;     // compact JSON, as docker/distribution stores it
};

struct SignedSchema1 {
  std::string payload;
  RepositoryName name;                      // what the document says; clients do not compare it, nor does berth
  std::string tag;                          // the same
  ManifestInfo info;                        // contents: the layers, top first
  std::vector<Schema1Signature> signatures; // in the order in which they are served; at least one
};

// Whether a Content-Type (without parameters) may hold a signed schema1 manifest: its own types, application/json or
// nothing.
bool may_be_schema1(std::string_view content_type);

// Reads a signed manifest and verifies every signature. Whose keys they are is no concern of a registry.
// Errors: manifest_invalid, name_invalid, digest_invalid for what is no such document; manifest_too_large;
// manifest_unverified for a signature that is wrong.
Result<SignedSchema1> parse_signed_schema1(std::string_view bytes);

// Reads and verifies one stored signature of a payload. Errors: manifest_invalid, manifest_unverified.
Result<Schema1Signature> parse_schema1_signature(std::string_view payload, std::string_view block);

// Signs a payload. Errors: manifest_invalid if it is no JSON object; unknown.
Result<Schema1Signature> sign_schema1(std::string_view payload, const SigningKey& key, Time now);

// The document that clients get: the payload with the signatures in it, ordered by key id and signature.
// Requires: signatures is not empty, and they are of this payload.
std::string assemble_schema1(std::string_view payload, std::vector<Schema1Signature> signatures);

// The payload for a chain of images. Unlike a signature it is the same every time.
std::string schema1_payload(const RepositoryName& name, std::string_view tag, const V1Chain& chain);

} // namespace berth::model
