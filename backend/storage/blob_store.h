// BlobStore: the blobs of the whole store, by canonical digest and without access control: the fast path under every
// repository. Only LinkedBlobStore and uploads write through it.
// Threads: safe. Borrows: the driver.
#pragma once

#include "driver/storage_driver.h"
#include "registry/blobs.h"

namespace berth::storage {

using model::CanonicalDigest;
using model::Descriptor;
using model::Digest;

class BlobStore final : public registry::BlobStatter, public registry::BlobProvider {
public:
  explicit BlobStore(driver::StorageDriver& driver) : driver_(driver) {}

  // Errors: blob_unknown, also for a digest that is not canonical: only a repository's links map those.
  Result<Descriptor> stat(const Digest& digest) override;
  Result<registry::BlobLocation> locate(const Descriptor& descriptor) override;
  Result<std::string> get(const Digest& digest, std::size_t max_bytes) override;

  // Stores bytes in memory. Durable.
  Result<Descriptor> put(std::string_view media_type, std::string_view bytes);
  // Makes content, or a file of the store, the blob. Requires: its bytes are the digest. Durable.
  // A blob that is there with the right size is kept, and made durable; one with another size is damaged, and replaced.
  Result<> take(Content content, const CanonicalDigest& digest);
  Result<> take_file(const std::string& path, std::uint64_t size, const CanonicalDigest& digest);

private:
  Result<bool> keep_existing(const CanonicalDigest& digest, std::uint64_t size);

  driver::StorageDriver& driver_;
};

} // namespace berth::storage
