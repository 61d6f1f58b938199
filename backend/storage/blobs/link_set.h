// LinkSet: one kind of links of a repository (layers, manifest revisions, signatures, referrers). A link is a small
// file under a digest that holds the canonical digest of the blob that it makes visible: `sha256:<hex>`, nothing else.
// A link under another algorithm (an alias) is how a provisional digest leads to its canonical one. It counts only
// beside the link of that canonical digest: who removes that one removes the blob under all its names.
// Garbage collection parks links as it parks blobs (storage/collect/quarantine.h): a parked one is found too.
// Threads: safe. Borrows: the driver.
#pragma once

#include <functional>
#include <string>

#include "driver/storage_driver.h"
#include "model/digest.h"
#include "model/names.h"
#include "registry/blobs.h"

namespace berth::storage {

class LinkSet {
public:
  using PathOf = std::function<std::string(const model::RepositoryName&, const model::Digest&)>; // of the link file

  // The `_layers` links: all blobs that clients pushed, configs too.
  static LinkSet layers(driver::StorageDriver& driver, const model::RepositoryName& repository);
  // The `_manifests/revisions` links.
  static LinkSet manifests(driver::StorageDriver& driver, const model::RepositoryName& repository);
  // The `signatures` links of one schema1 manifest.
  static LinkSet signatures(driver::StorageDriver& driver, const model::RepositoryName& repository,
                            const model::CanonicalDigest& manifest);

  // The `_manifests/referrers/<subject>` links: what names subject as its subject. They grant no access: a manifest is
  // there if it is linked among the manifests too.
  static LinkSet referrers(driver::StorageDriver& driver, const model::RepositoryName& repository,
                           const model::Digest& subject);

  // The canonical digest behind a digest.
  // Errors: not_found, also for an alias without its canonical link; corrupt if the link holds no canonical digest.
  Result<model::CanonicalDigest> resolve(const model::Digest& digest, registry::Need need);
  Result<bool> has(const model::Digest& digest, registry::Need need);
  // Whether it is there and not parked.
  Result<bool> has_in_place(const model::Digest& digest);
  // The write that creates the link; pass it to put().
  driver::PutFile file(const model::Digest& digest, const model::CanonicalDigest& target);
  // A parked one does not come back afterwards. Errors: not_found. Durable.
  Result<> unlink(const model::Digest& digest);

  driver::StorageDriver& driver() { return *driver_; }

private:
  LinkSet(driver::StorageDriver& driver, model::RepositoryName repository, PathOf path_of)
      : driver_(&driver), repository_(std::move(repository)), path_of_(std::move(path_of)) {}

  template <class Look>
  auto look_up(const model::Digest& digest, registry::Need need, const Look& look);

  driver::StorageDriver* driver_;
  model::RepositoryName repository_;
  PathOf path_of_;
};

// Reads a link file. Errors: not_found; corrupt.
Result<model::CanonicalDigest> read_link(driver::StorageDriver& driver, const std::string& path);
// The write that makes a link file hold target; pass it to put(). A file that holds it already is kept and made
// durable.
driver::PutFile link_file(driver::StorageDriver& driver, const std::string& path, const model::CanonicalDigest& target);

} // namespace berth::storage
