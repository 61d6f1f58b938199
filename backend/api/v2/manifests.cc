// GET, HEAD, PUT and DELETE /v2/<name>/manifests/<reference>. Which manifest answers which Accept header is
// negotiation.h's. Bytes go out as they came in.
#include "api/preconditions.h"
#include "api/v2/endpoints.h"
#include "api/v2/negotiation.h"
#include "api/v2/schema1.h"
#include "base/encoding.h"
#include "http/headers.h"
#include "model/digester.h"
#include "model/manifest.h"

namespace berth::api::v2 {
namespace {

// A reference in a request that needs an existing manifest: a malformed tag is an unknown manifest.
// Errors: manifest_unknown, digest_invalid.
Result<model::Reference> existing_reference(const Call& call) {
  auto reference = model::parse_reference(call.path.get("reference"));
  if (!reference && is(reference.error(), Code::tag_invalid))
    return fail(Code::manifest_unknown, {}, "unknown tag=" + call.path.get("reference"));
  return reference;
}

// The tag that a reference is; empty for a digest.
std::string tag_of(const model::Reference& reference) {
  const auto* tag = std::get_if<model::Tag>(&reference);
  return tag != nullptr ? tag->str() : std::string();
}

http::Response manifest_headers(std::string_view digest) {
  http::Response response;
  response.headers.add("Docker-Content-Digest", std::string(digest));
  response.headers.add("Etag", '"' + std::string(digest) + '"');
  return response;
}

// The bytes of a body that is a manifest. Errors: manifest_too_large.
constexpr std::string_view too_large = "a manifest has at most 4 MiB";

Result<std::string> read_body(const http::Request& request) {
  if (request.body_too_large || request.body.size() > model::max_manifest_bytes)
    return fail(Code::manifest_too_large, {}, std::string(too_large));
  std::string bytes;
  bytes.reserve(request.body.size());
  BERTH_CHECK(request.body.read([&](std::span<const std::byte> piece) -> Result<> {
    bytes += as_text(piece);
    return {};
  }));
  return bytes;
}

// A manifest pushed by digest must have it.
Result<> check_digest(const model::Reference& reference, std::string_view bytes) {
  const auto* named = std::get_if<model::Digest>(&reference);
  if (named == nullptr || model::digest_of(named->algorithm(), bytes) == *named) return {};
  return fail(Code::digest_invalid, {}, "the content is not " + named->str());
}

// The tag parameters of a push by digest. Errors: tag_invalid.
// Spec: OCI distribution-spec after 1.1.1, "Pushing Manifests".
Result<std::vector<model::Tag>> further_tags(const Call& call, const model::Reference& reference) {
  std::vector<model::Tag> tags;
  if (std::holds_alternative<model::Tag>(reference)) return tags;
  for (const auto& [name, value] : call.query.pairs()) {
    if (name != "tag") continue;
    BERTH_TRY(auto tag, model::Tag::parse(value));
    tags.push_back(std::move(tag));
  }
  return tags;
}

} // namespace

Outcome get_manifest(Call& call) {
  BERTH_TRY(const auto reference, existing_reference(call));
  registry::ManifestStore& manifests = call.repository->manifests();

  // The same, but for a tag that was pushed under another algorithm.
  std::optional<model::Digest> target, client_digest;
  if (const auto* tag = std::get_if<model::Tag>(&reference)) {
    BERTH_TRY(const auto tagged, call.repository->tags().get(*tag));
    target = tagged;
    client_digest = call.repository->tags().client_digest(*tag, tagged);
  } else {
    target = client_digest = std::get<model::Digest>(reference);
  }
  if (const auto precondition = precondition_of(call.request, client_digest->str());
      precondition != Precondition::met) {
    BERTH_CHECK(manifests.stat(*target));
    if (precondition == Precondition::failed) return fail(Code::precondition_failed);
    call.events.pulled(call.repository->name(), reference);
    http::Response response = manifest_headers(client_digest->str());
    response.status = 304;
    return response;
  }

  BERTH_TRY(auto manifest, manifests.get(*target, call.need()));
  const auto by = std::holds_alternative<model::Tag>(reference) ? AskedBy::tag : AskedBy::digest;
  // Before it is known whether the client takes it, as docker/distribution does.
  call.events.manifest(notify::Action::pull, call.repository->name(), model::media_type_of(manifest.kind),
                       client_digest->str(), manifest.bytes, tag_of(reference));
  call.events.pulled(call.repository->name(), reference);
  BERTH_TRY(auto chosen, negotiate(call, by, *client_digest, std::move(manifest)));
  http::Response response = manifest_headers(chosen.digest.str());
  response.headers.add("Content-Type", std::string(model::media_type_of(chosen.manifest.kind)));
  if (chosen.manifest.kind == model::ManifestKind::schema1) {
    BERTH_TRY(response.body, signed_document(call, chosen.manifest.bytes));
    return response;
  }
  response.body = std::move(chosen.manifest.bytes);
  return response;
}

Outcome before_manifest(Call& call) {
  BERTH_TRY(const auto reference, model::parse_reference(call.path.get("reference")));
  BERTH_CHECK(further_tags(call, reference));
  if (call.request.content_length.value_or(0) > model::max_manifest_bytes)
    return fail(Code::manifest_too_large, {}, std::string(too_large));
  return http::takes(http::TakesBody::small);
}

Outcome put_manifest(Call& call) {
  BERTH_TRY(const auto reference, model::parse_reference(call.path.get("reference")));
  BERTH_TRY(const auto further, further_tags(call, reference));
  BERTH_TRY(std::string body, read_body(call.request));
  BERTH_TRY(const Pushed pushed, read_pushed(call, http::media_type(call.header("Content-Type")), std::move(body)));
  const auto& [info, bytes, signatures] = pushed;
  BERTH_CHECK(check_digest(reference, bytes));
  const auto* named = std::get_if<model::Digest>(&reference);
  BERTH_TRY(const auto descriptor,
            call.repository->manifests().put(info, bytes, named ? std::optional(*named) : std::nullopt));
  const model::Digest& client_digest = named ? *named : descriptor.digest;
  BERTH_CHECK(keep_signatures(call, descriptor.digest, signatures));
  const auto tag_it = [&](const model::Tag& tag) {
    return told_of_tag(tag, call.repository->tags().tag(tag, descriptor.digest, client_digest, call.if_tagged));
  };
  if (const auto* tag = std::get_if<model::Tag>(&reference)) BERTH_CHECK(tag_it(*tag));
  for (const model::Tag& tag : further) BERTH_CHECK(tag_it(tag));

  const std::string digest = client_digest_of(client_digest, descriptor);
  http::Response response = empty_response(201);
  response.headers.add("Location", call.locations.absolute(path_in(*call.repository, "manifests/" + digest)));
  response.headers.add("Docker-Content-Digest", digest);
  if (info.subject) response.headers.add("OCI-Subject", info.subject->str());
  for (const model::Tag& tag : further) response.headers.add("OCI-Tag", tag.str());
  return response;
}

Outcome delete_manifest(Call& call) {
  if (!call.services.options.delete_enabled) return fail(Code::unsupported);
  BERTH_TRY(const auto reference, existing_reference(call));
  if (const auto* tag = std::get_if<model::Tag>(&reference)) {
    BERTH_CHECK(call.repository->tags().untag(*tag));
  } else {
    BERTH_CHECK(call.repository->manifests().remove(std::get<model::Digest>(reference)));
  }
  return empty_response(202);
}

} // namespace berth::api::v2
