// ManifestStore: the manifests of a repository: blobs seen through the revisions link set.
// docker/distribution 2.1.0 linked manifests among the layers by mistake; they are still found there.
// Threads: belongs to one request (ManifestKinds: safe). Borrows: everything it is made of.
#pragma once

#include "base/shared_cache.h"
#include "registry/registry.h"
#include "storage/blobs/linked_blob_store.h"
#include "storage/manifests/manifest_rules.h"
#include "storage/manifests/referrer_store.h"
#include "storage/manifests/tag_store.h"

namespace berth::storage {

// Remembers of what kind the bytes behind a digest are. Never wrong: content under a digest cannot change.
struct KnownKind {
  model::ManifestKind kind;
  bool names_its_media_type;
};
using ManifestKinds = SharedCache<KnownKind>; // by digest
inline constexpr std::size_t max_kinds_bytes = std::size_t{4} << 20;

class ManifestStore final : public registry::ManifestStore {
public:
  struct Parts {
    LinkedBlobStore& revisions;
    LinkedBlobStore& layers;
    TagStore& tags;
    ReferrerStore& referrers;
    const ManifestRules& rules;
    ManifestKinds& kinds;
    RepositoryGuard& guard;
  };
  explicit ManifestStore(Parts parts) : parts_(parts) {}

  Result<Descriptor> stat(const Digest& digest) override { return look(digest, Need::to_keep); }
  using registry::ManifestStore::get;
  Result<model::Manifest> get(const Digest& digest, Need need) override;
  Result<Descriptor> put(const model::ManifestInfo& info, std::string_view bytes,
                         const std::optional<Digest>& client_digest) override;
  Result<std::vector<model::Tag>> remove(const Digest& digest) override;

private:
  Result<Descriptor> look(const Digest& digest, Need need);
  Result<> unlink(const Digest& digest, const Descriptor& descriptor);
  Result<KnownKind> kind_of(const Digest& digest, std::string_view bytes);

  Parts parts_;
};

} // namespace berth::storage
