// storage::V1Tags: the bridge between v1 ids and manifests. A tag is one and the same file for clients of every age: it
// points to a manifest. For v1 clients the manifest is a chain of images; what they push becomes a manifest.
// Threads: safe. Borrows: everything it is made of.
#pragma once

#include "base/log.h"
#include "base/shared_cache.h"
#include "registry/v1_images.h"
#include "storage/v1/images.h"
#include "storage/v1/members.h"

namespace berth::storage {

using model::CanonicalDigest;

class V1Tags final : public registry::V1Tags {
public:
  struct Parts {
    driver::StorageDriver& driver;
    registry::Registry& registry;
    V1Images& images;
    Logger& logger;
    Unpacking& unpacking;
  };
  explicit V1Tags(Parts parts) : parts_(parts), blobs_(parts.driver), members_(parts.driver) {}

  Result<std::vector<Tagged>> list(registry::Repository& repository, const IsGone& is_gone) override;
  Result<ImageId> get(registry::Repository& repository, const model::Tag& tag, const IsGone& is_gone) override;
  Result<std::optional<model::V1Chain>> pushed(registry::Repository& repository,
                                               const CanonicalDigest& manifest) override;
  Result<> tag(registry::Repository& repository, const model::Tag& tag, const ImageId& id, registry::IfTagged if_tagged,
               const registry::MayRead& may_read, const IsGone& is_gone) override;
  Result<> keep_note(registry::Repository& repository, const model::Tag& tag, std::string_view note) override;
  Result<std::string> note(registry::Repository& repository, const model::Tag& tag) override;
  CacheFacts memory() { return known_.facts(); }

private:
  // The image id of a manifest; nullopt if v1 clients cannot pull it.
  using Known = std::optional<ImageId>;
  Result<Known> id_of(registry::Repository& repository, const CanonicalDigest& manifest, const IsGone& is_gone);
  Result<std::pair<Known, bool>> look_up(registry::Repository& repository, const CanonicalDigest& manifest,
                                         const IsGone& is_gone);
  void remember(const registry::Repository& repository, const CanonicalDigest& manifest, const ImageId& id);
  // An image of a manifest's chain, as it is entered under its id.
  struct Entry {
    registry::Repository& repository;
    ImageId id;
    std::optional<ImageId> parent;
    const model::V1Image& image;
    const std::optional<model::Digest>& diff_id;
    bool is_top;
    const IsGone& is_gone;
  };
  struct Entered {
    ImageId top;
    bool lasting; // true if the result may be cached: it does not depend on other repositories
  };
  Result<Entered> enter_chain(registry::Repository& repository, const CanonicalDigest& manifest, const IsGone& is_gone);
  Result<> claim(const Entry& entry);
  Result<bool> yield(const Entry& entry);
  Result<> drop_pushed(const Entry& entry);
  Result<bool> is_same(const Entry& entry, const registry::V1Image& found);
  // The client that a call works for.
  struct Caller {
    const registry::MayRead& may_read;
    const IsGone& is_gone;
  };
  Result<std::optional<CanonicalDigest>> manifest_of(registry::Repository& repository, const ImageId& id,
                                                     const Caller& caller);
  Result<std::optional<CanonicalDigest>> copy(registry::Repository& repository, const V1Members::Member& from,
                                              const ImageId& id, const IsGone& is_gone);
  Result<CanonicalDigest> make_manifest(registry::Repository& repository, const ImageId& id, const Caller& caller);

  // The ids of manifests, by repository and digest. What is remembered was entered by this process, so that a crash
  // that lost it is mended at the next start. Never wrong while the manifest is there: it cannot change.
  SharedCache<Known> known_{std::size_t{8} << 20}; // some 16,000 manifests

  Parts parts_;
  storage::BlobStore blobs_;
  V1Members members_;
};

} // namespace berth::storage
