// storage::Registry: the registry over a storage driver. Wires what a repository is made of, and holds what its
// requests share. Threads: safe. Borrows: everything in Parts.
#pragma once

#include <string_view>
#include <utility>
#include <vector>

#include "base/log.h"
#include "base/random.h"
#include "driver/locks.h"
#include "driver/storage_driver.h"
#include "registry/registry.h"
#include "storage/blobs/blob_store.h"
#include "storage/listing_cache.h"
#include "storage/manifests/manifest_store.h"
#include "storage/uploads/uploads.h"

namespace berth::storage {

class Registry final : public registry::Registry {
public:
  struct Parts {
    driver::StorageDriver& driver;
    driver::Locks& locks;
    UploadStore& uploads;
    registry::DescriptorCache* cache; // null: none
    ManifestRules rules;
    Random& random;
    Logger& logger;
    ImmutableTags immutable = {};
  };
  explicit Registry(Parts parts) : parts_(std::move(parts)), blobs_(parts_.driver), directories_(parts_.driver) {}

  std::unique_ptr<registry::Repository> repository(const model::RepositoryName& name) override;
  Result<registry::Page> repositories(const registry::PageRequest& page) override;
  // Enters the manifests of a repository that another registry wrote among the referrers of their subjects; how many
  // there are that have one. May run while the repository is in use. Errors: io.
  Result<std::size_t> index_referrers(const model::RepositoryName& name);

  // What is remembered, and by which name.
  std::vector<std::pair<std::string_view, CacheFacts>> memories();

private:
  class Repository;
  LinkedBlobStore layers_of(const model::RepositoryName& name);

  Parts parts_;
  BlobStore blobs_;
  ManifestKinds kinds_{max_kinds_bytes};
  ClientDigests client_digests_;
  ReferrerCache referrers_;
  ListingCache directories_;
};

} // namespace berth::storage
