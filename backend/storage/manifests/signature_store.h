// SignatureStore: the signatures of a repository's schema1 manifests, each a blob in a link set of the manifest's own,
// where docker/distribution 2.0 to 2.4 kept them. Threads: belongs to one request. Borrows: everything in Parts.
#pragma once

#include "registry/registry.h"
#include "storage/blobs/linked_blob_store.h"

namespace berth::storage {

class SignatureStore final : public registry::SignatureStore {
public:
  struct Parts {
    driver::StorageDriver& driver;
    BlobStore& global;
    Logger& logger;
  };
  SignatureStore(Parts parts, model::RepositoryName repository) : parts_(parts), repository_(std::move(repository)) {}

  Result<std::vector<std::string>> get(const CanonicalDigest& manifest) override;
  Result<> add(const CanonicalDigest& manifest, const std::vector<std::string>& signatures) override;

private:
  LinkedBlobStore blobs_of(const CanonicalDigest& manifest);

  Parts parts_;
  model::RepositoryName repository_;
};

} // namespace berth::storage
