// LinkedBlobStore: the global store seen through one link set of a repository: what is linked can be read, what is
// written is linked, what is deleted loses its link (its bytes are garbage collection's). The same code serves layers,
// manifest revisions and signatures.
// Threads: belongs to one request. Borrows: the global store, the cache and the logger.
#pragma once

#include <memory>

#include "registry/blobs.h"
#include "storage/blobs/blob_store.h"
#include "storage/blobs/linked_blob_statter.h"

namespace berth::storage {

class LinkedBlobStore final : public registry::BlobStatter,
                              public registry::BlobProvider,
                              public registry::BlobDeleter {
public:
  LinkedBlobStore(BlobStore& global, LinkSet links, Logger& logger);
  // The same with a cache before its statter.
  LinkedBlobStore(BlobStore& global, LinkSet links, Logger& logger, registry::DescriptorCache& cache,
                  const model::RepositoryName& repository);
  LinkedBlobStore(const LinkedBlobStore&) = delete; // the cache borrows the statter inside

  Result<Readable> look(const Digest& digest, Need need) override;
  Result<Location> locate(const Readable& blob) override { return global_.locate(blob); }
  Result<std::string> get(const Digest& digest, std::size_t max_bytes) override {
    return get(digest, max_bytes, Need::to_read);
  }
  Result<std::string> get(const Digest& digest, std::size_t max_bytes, Need need);
  Result<> remove(const Digest& digest) override;

  // Stores a small blob and links it. Durable.
  Result<Descriptor> put(std::string_view media_type, std::string_view bytes);
  // Makes a stored blob visible under the digest that the client gave and, where that is another, under its canonical.
  // Durable.
  Result<> publish(const Digest& client_digest, const Descriptor& descriptor);
  // Stores a blob first, and whatever has to be there before its links. Requires: its bytes are both digests. Durable.
  Result<> publish(const Digest& client_digest, const Descriptor& descriptor, Content bytes,
                   std::vector<driver::PutFile> before_links = {});

  // Whether a memory of descriptors has to be told of links that others remove, and telling it.
  bool remembers() const { return cached_ != nullptr; }
  void forget(const Digest& digest);

private:
  Result<> link(std::vector<driver::PutFile> files, const Digest& client_digest, const Descriptor& descriptor);

  BlobStore& global_;
  LinkedBlobStatter statter_;
  std::unique_ptr<registry::BlobDescriptorService> cached_; // null: no cache
};

} // namespace berth::storage
