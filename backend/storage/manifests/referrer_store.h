// ReferrerStore: which manifests of a repository name another as their subject: a link set a subject, in the order of
// digests. An entry is a hint and no more: it is listed if the manifest is there and its bytes say the same. So a crash
// or a removal by another registry leaves nothing wrong behind. The entries of the referrers tag, which clients
// maintain for registries without this endpoint, are listed too.
// Cost of a page: the names of all that refer to the subject, and a few system calls an entry; the bytes of a manifest
// are read once and then remembered.
// Threads: belongs to one request (ReferrerCache: safe). Borrows: everything it is made of.
#pragma once

#include "base/shared_cache.h"
#include "registry/registry.h"
#include "storage/blobs/linked_blob_store.h"
#include "storage/manifests/tag_store.h"

namespace berth::storage {

// Caches each manifest's subject, including "has none". Never wrong: content under a digest cannot change.
class ReferrerCache {
public:
  using Entry = std::optional<model::Referrer>;
  std::optional<Entry> find(const CanonicalDigest& digest) { return known_.find(digest.str()); }
  void remember(const CanonicalDigest& digest, const Entry& entry);
  CacheFacts memory() { return known_.facts(); }

private:
  static constexpr std::size_t max_entry_bytes = 2048; // of its strings; larger ones are read again
  SharedCache<Entry> known_{std::size_t{8} << 20};     // some 16,000 manifests, most of them without a subject
};

class ReferrerStore final : public registry::ReferrerStore {
public:
  // A page ends when this much was looked at, or when its texts are this long.
  static constexpr std::size_t max_looked_at = 4096;
  static constexpr std::size_t max_page_bytes = 2 * 1024 * 1024;

  struct Parts {
    driver::StorageDriver& driver;
    driver::Locks& locks;
    LinkedBlobStore& revisions;
    TagStore& tags;
    ReferrerCache& cache;
  };
  ReferrerStore(Parts parts, model::RepositoryName repository) : parts_(parts), repository_(std::move(repository)) {}

  Result<registry::ReferrersPage> list(const registry::ReferrersRequest& request) override;

  // While the lock is held, the manifest is not removed. Errors: busy.
  Result<std::unique_ptr<driver::Lock>> exclude_removal(const CanonicalDigest& digest);
  // The write that enters a manifest under the digest that its client gave; pass it to put().
  driver::PutFile file(const Digest& subject, const Digest& referrer, const CanonicalDigest& canonical);
  // Removes the entries of a manifest. Requires: the caller is the one who removes it.
  Result<> remove(std::string_view manifest_bytes);
  // Enters an existing manifest if it has a subject; returns whether it has. Requires: exclude_removal is held.
  Result<bool> restore(const CanonicalDigest& digest);
  // Enters every manifest of the repository that has a subject; returns how many have one.
  Result<std::size_t> index();

private:
  // The digests under `_manifests/referrers/<subject>`, and those that the referrers tag lists.
  Result<std::vector<std::string>> linked(const Digest& subject);
  Result<std::vector<std::string>> tagged(const Digest& subject);
  // Returns the subject of the manifest behind a digest; nullopt if there is no manifest here, or it has no subject.
  Result<ReferrerCache::Entry> read(const Digest& digest, Need need);

  Parts parts_;
  model::RepositoryName repository_;
};

} // namespace berth::storage
