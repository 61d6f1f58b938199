// TagStore: the tags of a repository: `current/link` names the manifest a tag points to, `index/` remembers all it ever
// pointed to (docker/distribution keeps that history, and its garbage collection reads it).
// Threads: safe. Borrows: everything it is made of.
#pragma once

#include <functional>

#include "base/log.h"
#include "base/random.h"
#include "base/shared_cache.h"
#include "driver/locks.h"
#include "driver/storage_driver.h"
#include "registry/registry.h"
#include "storage/listing_cache.h"
#include "storage/manifests/immutable_tags.h"
#include "storage/repository_guard.h"

namespace berth::storage {

// Remembers which digest is told for a tag and its target, so that a pull by tag looks for no alias. What another
// process tags under another digest meanwhile is told by its canonical digest, which is as true.
class ClientDigests {
public:
  std::optional<model::Digest> find(const std::string& tag_path, const model::CanonicalDigest& target);
  void remember(const std::string& tag_path, const model::CanonicalDigest& target, const model::Digest& client_digest);
  CacheFacts memory() { return known_.facts(); }

private:
  SharedCache<model::Digest> known_{std::size_t{8} << 20}; // some 16,000 tags
};

class TagStore final : public registry::TagStore {
public:
  struct Parts {
    driver::StorageDriver& driver;
    driver::Locks& locks;
    ListingCache& directories;
    ClientDigests& client_digests;
    const ImmutableTags& immutable;
    Random& random;
    Logger& logger;
    RepositoryGuard& guard;
  };
  TagStore(Parts parts, model::RepositoryName repository) : parts_(parts), repository_(std::move(repository)) {}

  Result<model::CanonicalDigest> get(const model::Tag& tag) override;
  using registry::TagStore::tag;
  Result<> tag(const model::Tag& tag, const model::CanonicalDigest& digest, const model::Digest& client_digest,
               registry::IfTagged if_tagged) override;
  model::Digest client_digest(const model::Tag& tag, const model::CanonicalDigest& target) override;
  Result<> untag(const model::Tag& tag) override;
  Result<> untag(const std::vector<model::Tag>& tags) override;
  Result<registry::Page> list(const registry::PageRequest& page) override;

  // Removes every tag that points to digest, then calls remove_revision: a manifest that is tagged at the same time is
  // either there with its tag or gone with it. Only a writer that tags this very manifest waits, and not while its tags
  // are looked for (docs/decisions/0031). Returns the removed tags. Errors: immutable, before anything is removed, if
  // one of the tags is.
  Result<std::vector<model::Tag>> untag_all(const model::CanonicalDigest& digest,
                                            const std::function<Result<>()>& remove_revision);
  // Errors: immutable, if one of the tags that are there is.
  Result<> check_none_immutable();
  // Called under the manifest's lock when tagging re-creates a revision link that was deleted since the manifest was
  // put.
  using Restore = std::function<Result<>(const model::CanonicalDigest&)>;
  void when_restored(Restore restore) { restore_ = std::move(restore); }

private:
  Result<std::shared_ptr<const ListingCache::Listing>> entries();
  Result<> remove(const model::Tag& tag);
  // Errors: immutable, if the tag is, and points to another manifest than `may_be`.
  Result<> check_mutable(const model::Tag& tag, const model::CanonicalDigest* may_be);
  // target: only tags that point to it; null: all.
  Result<> check_all_mutable(const model::CanonicalDigest* target);
  Result<> remove_tags_of(const model::CanonicalDigest& digest, std::vector<model::Tag>& removed);

  Parts parts_;
  model::RepositoryName repository_;
  Restore restore_;
};

} // namespace berth::storage
