#include "api/v2/negotiation.h"

#include "api/v2/schema1.h"
#include "http/headers.h"

namespace berth::api::v2 {
namespace {

// The types that the client accepts. Docker 1.6 to 1.9 send no Accept header and read nothing but schema1: for them
// alone no header means no type.
class Accepted {
public:
  explicit Accepted(const Call& call)
      : schema1_(takes_schema1(call)),
        accept_(call.header("Accept")),
        everything_((accept_.empty() || accept_.has_wildcard()) && !is_schema1_client(call.header("User-Agent"))) {}

  bool takes(model::ManifestKind kind) const { return everything_ || accept_.names(model::media_type_of(kind)); }
  // An image that it does not take can be converted for it.
  bool schema1() const { return schema1_; }

private:
  bool schema1_;
  http::Accept accept_;
  bool everything_;
};

// Errors: manifest_unknown without such an image.
Result<Chosen> linux_amd64_of(Call& call, const model::Manifest& list) {
  BERTH_TRY(const auto info, model::detect_manifest(list.bytes));
  for (const model::ContentReference& child : info.contents) {
    if (child.os != "linux" || child.architecture != "amd64") continue;
    BERTH_TRY(auto manifest, call.repository->manifests().get(child.digest));
    call.events.manifest(notify::Action::pull, call.repository->name(), model::media_type_of(manifest.kind),
                         child.digest.str(), manifest.bytes, {});
    return Chosen{child.digest, std::move(manifest)};
  }
  return fail(Code::manifest_unknown, {}, "the manifest list has no linux/amd64 image");
}

Result<Chosen> converted(Call& call, const model::Manifest& image) {
  BERTH_TRY(const auto tag, model::Tag::parse(call.path.get("reference")));
  BERTH_TRY(auto manifest, convert_to_schema1(call, tag, image));
  const auto digest = model::CanonicalDigest::of_bytes(manifest.bytes);
  return Chosen{digest, std::move(manifest)};
}

// For a client that reads schema1, what it can read of a manifest that it asked for by tag; nothing if there is no such
// thing. Docker's images have it or are refused, as docker/distribution 2 does; OCI's are refused as ever if they
// cannot be converted.
Result<std::optional<Chosen>> for_schema1_client(Call& call, const Accepted& accepted,
                                                 const model::Manifest& manifest) {
  if (manifest.kind == model::ManifestKind::schema1) return std::optional<Chosen>();
  const model::Manifest* image = &manifest;
  std::optional<Chosen> child;
  if (model::is_index(manifest.kind)) {
    auto found = linux_amd64_of(call, manifest);
    if (!found && manifest.kind == model::ManifestKind::oci_index && is(found.error(), Code::manifest_unknown))
      return std::optional<Chosen>();
    if (!found) return std::unexpected(std::move(found).error());
    child = std::move(*found);
    if (accepted.takes(child->manifest.kind) || child->manifest.kind == model::ManifestKind::schema1) return child;
    if (model::is_index(child->manifest.kind)) return std::optional<Chosen>();
    image = &child->manifest;
  }
  auto made = converted(call, *image);
  if (made) return std::optional(std::move(*made));
  if (image->kind == model::ManifestKind::oci_manifest && is(made.error(), Code::manifest_invalid))
    return std::optional<Chosen>();
  return std::unexpected(std::move(made).error());
}

} // namespace

Result<Chosen> negotiate(Call& call, AskedBy by, const model::Digest& digest, model::Manifest manifest) {
  const Accepted accepted(call);
  const bool taken = accepted.takes(manifest.kind);
  if (!taken && by == AskedBy::tag && accepted.schema1()) {
    BERTH_TRY(auto made, for_schema1_client(call, accepted, manifest));
    if (made) return std::move(*made);
  }
  switch (manifest.kind) {
  case model::ManifestKind::schema1:
  case model::ManifestKind::docker_manifest: break; // served to all, as docker/distribution does
  case model::ManifestKind::docker_list:
    if (taken || by == AskedBy::digest) break;
    if (!accepted.takes(model::ManifestKind::docker_manifest))
      return fail(Code::manifest_invalid, {}, "the client takes neither manifest lists nor schema2 manifests");
    return linux_amd64_of(call, manifest);
  case model::ManifestKind::oci_manifest:
    if (taken) break;
    return fail(Code::manifest_unknown, "OCI manifest found, but accept header does not support OCI manifests");
  case model::ManifestKind::oci_index:
    if (taken || !manifest.names_its_media_type) break;
    return fail(Code::manifest_unknown, "OCI index found, but accept header does not support OCI indexes");
  }
  return Chosen{digest, std::move(manifest)};
}

} // namespace berth::api::v2
