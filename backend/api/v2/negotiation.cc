#include "api/v2/negotiation.h"

#include "http/headers.h"
#include "model/media_types.h"

namespace berth::api::v2 {
namespace {

// Docker 1.6 to 1.9 send no Accept header and read nothing but schema1: for them no header means no type. What they
// get instead (schema1, made from the image) will be decided here.
bool is_schema1_client(std::string_view user_agent) {
  constexpr std::string_view product = "docker/1.";
  if (!user_agent.starts_with(product)) return false;
  user_agent.remove_prefix(product.size());
  if (user_agent.empty() || user_agent.front() < '6' || user_agent.front() > '9') return false;
  return user_agent.size() == 1 || user_agent[1] < '0' || user_agent[1] > '9';
}

class Accepted {
public:
  explicit Accepted(const Call& call)
      : accept_(call.header("Accept")),
        everything_((accept_.empty() || accept_.has_wildcard()) && !is_schema1_client(call.header("User-Agent"))) {}

  bool takes(std::string_view media_type) const { return everything_ || accept_.names(media_type); }

private:
  http::Accept accept_;
  bool everything_;
};

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

} // namespace

Result<Chosen> negotiate(Call& call, AskedBy by, const model::Digest& digest, model::Manifest manifest) {
  const Accepted accepted(call);
  const bool taken = accepted.takes(model::media_type_of(manifest.kind));
  switch (manifest.kind) {
  case model::ManifestKind::docker_manifest: break; // served to all, as docker/distribution 3 does
  case model::ManifestKind::docker_list:
    if (taken || by == AskedBy::digest) break;
    if (!accepted.takes(model::media::docker_manifest))
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
