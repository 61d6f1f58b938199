#include "storage/manifests/manifest_store.h"

namespace berth::storage {
namespace {

std::unexpected<Error> unknown(const Digest& digest) {
  return fail(Code::manifest_unknown, {}, "unknown manifest revision " + digest.str());
}

} // namespace

Result<KnownKind> ManifestStore::kind_of(const Digest& digest, std::string_view bytes) {
  if (const auto known = parts_.kinds.find(digest.str())) return *known;
  BERTH_TRY(const model::ManifestInfo info, model::detect_manifest(bytes));
  const KnownKind kind{info.kind, info.names_its_media_type};
  parts_.kinds.put(digest.str(), kind);
  return kind;
}

Result<model::Manifest> ManifestStore::get(const Digest& digest, Need need) {
  auto bytes = parts_.revisions.get(digest, model::max_manifest_bytes, need);
  if (bytes) {
    BERTH_TRY(const KnownKind kind, kind_of(digest, *bytes));
    return model::Manifest{kind.kind, kind.names_its_media_type, std::move(*bytes)};
  }
  if (!is(bytes.error(), Code::blob_unknown)) return std::unexpected(std::move(bytes).error());

  // Where 2.1.0 put it. Most of what is found there are layers and configs, which are no manifests; and what is one of
  // a kind that 2.1.0 did not know was pushed as a layer.
  bytes = parts_.layers.get(digest, model::max_manifest_bytes, need);
  if (!bytes && !is(bytes.error(), Code::blob_unknown) && !is(bytes.error(), Code::size_invalid))
    return std::unexpected(std::move(bytes).error());
  if (!bytes) return unknown(digest);
  const auto kind = kind_of(digest, *bytes);
  if (!kind || kind->kind != model::ManifestKind::schema1) return unknown(digest);
  return model::Manifest{kind->kind, kind->names_its_media_type, std::move(*bytes)};
}

Result<Descriptor> ManifestStore::look(const Digest& digest, Need need) {
  const auto kind = parts_.kinds.find(digest.str());
  auto found = parts_.revisions.look(digest, need);
  if (!found && !is(found.error(), Code::blob_unknown)) return std::unexpected(std::move(found).error());
  if (found && kind) {
    found->descriptor.media_type = model::media_type_of(kind->kind);
    return std::move(found->descriptor);
  }
  BERTH_TRY(const model::Manifest manifest, get(digest, need));
  return Descriptor{std::string(model::media_type_of(manifest.kind)), manifest.bytes.size(),
                    CanonicalDigest::of_bytes(manifest.bytes)};
}

Result<Descriptor> ManifestStore::put(const model::ManifestInfo& info, std::string_view bytes,
                                      const std::optional<Digest>& client_digest) {
  BERTH_CHECK(parts_.guard.keep());
  // Its bytes are not read: an index names thousands of children. Any blob of the repository will do, as for
  // docker/distribution: the caches of buildkit are indexes of layers.
  const auto stat_child = [this](const Digest& digest) -> Result<Descriptor> {
    auto found = parts_.revisions.stat(digest);
    return found || !is(found.error(), Code::blob_unknown) ? std::move(found) : parts_.layers.stat(digest);
  };
  BERTH_CHECK(parts_.rules.check(info, {parts_.layers, stat_child}));
  Descriptor descriptor{std::string(model::media_type_of(info.kind)), bytes.size(), CanonicalDigest::of_bytes(bytes)};
  const Digest name = client_digest.value_or(descriptor.digest);
  std::unique_ptr<driver::Lock> removal_lock; // keeps a concurrent delete from running between the two link writes
  std::vector<driver::PutFile> entry;
  if (info.subject) {
    BERTH_TRY(removal_lock, parts_.referrers.exclude_removal(descriptor.digest));
    // Before the revision: a crash leaves an entry of a manifest that is not there, and such are not listed.
    entry.push_back(parts_.referrers.file(*info.subject, name, descriptor.digest));
  }
  BERTH_CHECK(parts_.revisions.publish(name, descriptor, Content::of(std::string(bytes)), std::move(entry)));
  parts_.kinds.put(descriptor.digest.str(), {info.kind, info.names_its_media_type});
  return descriptor;
}

Result<std::vector<model::Tag>> ManifestStore::remove(const Digest& digest) {
  BERTH_TRY(const Descriptor descriptor, look(digest, Need::to_read));
  // Read only for its subject: a manifest that cannot be read can be removed all the same.
  const auto bytes = parts_.revisions.get(digest, model::max_manifest_bytes);
  // Tags first: should this stop half-way, what is left is a manifest without tags, not tags without a manifest.
  return parts_.tags.untag_all(descriptor.digest, [&]() -> Result<> {
    BERTH_CHECK(unlink(digest, descriptor));
    if (bytes) BERTH_CHECK(parts_.referrers.remove(*bytes));
    return {};
  });
}

// A link that is gone already was removed by a concurrent delete. The layers keep a blob that has the same bytes,
// unless it would be found as a manifest there.
Result<> ManifestStore::unlink(const Digest& digest, const Descriptor& descriptor) {
  std::vector<LinkedBlobStore*> places = {&parts_.revisions};
  if (descriptor.media_type == model::media_type_of(model::ManifestKind::schema1)) places.push_back(&parts_.layers);
  for (LinkedBlobStore* links : places) {
    const auto gone = links->remove(digest);
    if (!gone && !is(gone.error(), Code::blob_unknown)) return gone;
  }
  return {};
}

} // namespace berth::storage
