// Signed schema1 manifests and their keys: what is taken can be stored, served and taken again; and the config of an
// image, as the converter reads it.
#include "model/schema1.h"

#include "fuzz/oracle.h"
#include "model/media_types.h"

using namespace berth;
using namespace berth::fuzz;

namespace {

bool is_expected(const Error& error) {
  return is(error, Code::manifest_invalid) || is(error, Code::manifest_unverified) || is(error, Code::name_invalid) ||
         is(error, Code::digest_invalid) || is(error, Code::manifest_too_large);
}

void check_taken(const model::SignedSchema1& manifest) {
  require(!manifest.signatures.empty());
  require(model::detect_manifest(manifest.payload)->kind == model::ManifestKind::schema1);
  for (const auto& signature : manifest.signatures)
    require(model::parse_schema1_signature(manifest.payload, signature.block)->block == signature.block);
  const std::string served = model::assemble_schema1(manifest.payload, manifest.signatures);
  const auto again = model::parse_signed_schema1(served);
  require(again && again->payload == manifest.payload);
  require(model::assemble_schema1(again->payload, again->signatures) == served);
}

// The bytes as a payload: whatever can be signed comes back as it was.
void check_signing(std::string_view payload) {
  static const model::SigningKey key = model::SigningKey::generate().value();
  const auto signature = model::sign_schema1(payload, key, parse_rfc3339("2024-01-02T03:04:05Z").value());
  if (!signature) return;
  const auto parsed = model::parse_signed_schema1(model::assemble_schema1(payload, {*signature}));
  if (parsed) require(parsed->payload == payload);
}

void check_conversion(std::string_view config) {
  const auto digest = model::Digest::parse("sha256:" + std::string(64, 'a')).value();
  model::ManifestInfo image{model::ManifestKind::docker_manifest, true, {}};
  image.contents.push_back({std::string(model::media::docker_image_config), digest, 1, {}, {}, {}});
  for (int layers = 0; layers < 3; ++layers) {
    const auto chain = model::v1_chain_of(image, config);
    image.contents.push_back({std::string(model::media::docker_layer_gzip), digest, 1, {}, {}, {}});
    if (!chain) {
      require(is(chain.error(), Code::manifest_invalid));
      continue;
    }
    check_signing(model::schema1_payload(model::RepositoryName::parse("a").value(), "t", *chain));
    require(model::detect_manifest(model::schema1_payload(model::RepositoryName::parse("a").value(), "t", *chain))
                ->contents.size() == chain->images.size());
  }
}

} // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view text = text_of(bytes, size);
  const auto manifest = model::parse_signed_schema1(text);
  if (manifest)
    check_taken(*manifest);
  else
    require(is_expected(manifest.error()));
  check_signing(text);
  check_conversion(text);
  return 0;
}
