#include "api/v2/schema1.h"

#include "http/headers.h"
#include "model/media_types.h"
#include "model/schema1.h"
#include "model/v1_image.h"

namespace berth::api::v2 {
namespace {

// The configs of images; larger ones are not converted.
constexpr std::size_t max_config_bytes = model::max_manifest_bytes;

Result<std::string> config_of(Call& call, const model::ManifestInfo& image) {
  if (image.contents.empty()) return fail(Code::manifest_invalid, {}, "not an image");
  auto config = call.repository->blobs().get(image.contents.front().digest, max_config_bytes);
  if (!config && (is(config.error(), Code::blob_unknown) || is(config.error(), Code::size_invalid)))
    return fail(Code::manifest_invalid, {}, "its config is not in the repository, or too large");
  return config;
}

Result<> ensure_empty_tar(registry::BlobStore& blobs) {
  const auto there = blobs.stat(model::empty_tar_digest());
  if (there) return {};
  if (!is(there.error(), Code::blob_unknown)) return std::unexpected(there.error());
  BERTH_CHECK(blobs.put(model::media::octet_stream, model::empty_tar_gzip()));
  return {};
}

// The images as a v1 client pushed them, if one did; or else as they follow from the config.
Result<model::V1Chain> chain_of(Call& call, const model::Manifest& image) {
  if (call.services.v1_tags != nullptr) {
    BERTH_TRY(auto pushed,
              call.services.v1_tags->pushed(*call.repository, model::CanonicalDigest::of_bytes(image.bytes)));
    if (pushed) return *std::move(pushed);
  }
  BERTH_TRY(const auto info, model::detect_manifest(image.bytes));
  BERTH_TRY(const std::string config, config_of(call, info));
  return model::v1_chain_of(info, config);
}

} // namespace

bool is_schema1_client(std::string_view user_agent) {
  constexpr std::string_view product = "docker/1.";
  if (!user_agent.starts_with(product)) return false;
  user_agent.remove_prefix(product.size());
  if (user_agent.empty() || user_agent.front() < '6' || user_agent.front() > '9') return false;
  return user_agent.size() == 1 || user_agent[1] < '0' || user_agent[1] > '9';
}

bool takes_schema1(const Call& call) {
  const http::Accept accept(call.header("Accept"));
  return accept.names(model::media::docker_schema1_signed) || accept.names(model::media::docker_schema1) ||
         is_schema1_client(call.header("User-Agent"));
}

Result<model::Manifest> convert_to_schema1(Call& call, const model::Tag& tag, const model::Manifest& image) {
  BERTH_TRY(const model::V1Chain chain, chain_of(call, image));
  std::string payload = model::schema1_payload(call.repository->name(), tag.str(), chain);
  if (payload.size() > model::max_manifest_bytes)
    return fail(Code::manifest_invalid, {}, "its schema1 manifest would be too large");
  if (chain.needs_empty_tar()) BERTH_CHECK(ensure_empty_tar(call.repository->blobs()));
  return model::Manifest{model::ManifestKind::schema1, false, std::move(payload)};
}

Result<std::string> signed_document(Call& call, const std::string& payload) {
  const auto digest = model::CanonicalDigest::of_bytes(payload);
  std::vector<model::Schema1Signature> signatures;
  if (call.services.options.schema1_keeps_signatures) {
    BERTH_TRY(const auto blocks, call.repository->signatures().get(digest));
    for (const std::string& block : blocks)
      if (auto signature = model::parse_schema1_signature(payload, block)) signatures.push_back(std::move(*signature));
  }
  if (signatures.empty()) {
    if (!call.services.options.schema1_key) return fail(Code::unknown, "no key to sign schema1 manifests with");
    BERTH_TRY(auto signature,
              model::sign_schema1(payload, *call.services.options.schema1_key, call.services.clock.now()));
    signatures.push_back(std::move(signature));
  }
  return model::assemble_schema1(payload, std::move(signatures));
}

Result<Pushed> read_pushed(const Call& call, std::string_view content_type, std::string body) {
  const bool named =
      content_type == model::media::docker_schema1 || content_type == model::media::docker_schema1_signed;
  if (named && !call.services.options.schema1_push)
    return fail(Code::manifest_invalid, {},
                "schema1 manifests are not taken: compatibility.schema1.enabled is not set");
  if (!call.services.options.schema1_push || !model::may_be_schema1(content_type)) {
    BERTH_TRY(auto info, model::parse_manifest(content_type, body));
    return Pushed{std::move(info), std::move(body), {}};
  }
  BERTH_TRY(auto manifest, model::parse_signed_schema1(body));
  Pushed pushed{std::move(manifest.info), std::move(manifest.payload), {}};
  for (model::Schema1Signature& signature : manifest.signatures)
    pushed.signatures.push_back(std::move(signature.block));
  return pushed;
}

Result<> keep_signatures(Call& call, const model::CanonicalDigest& manifest,
                         const std::vector<std::string>& signatures) {
  if (signatures.empty() || !call.services.options.schema1_keeps_signatures) return {};
  return call.repository->signatures().add(manifest, signatures);
}

} // namespace berth::api::v2
