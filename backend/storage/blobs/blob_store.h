// BlobStore: the blobs of the whole store, by canonical digest and without access control: the fast path under every
// repository. Only LinkedBlobStore and uploads write through it.
// Small blobs that were read, manifests above all, are remembered with the version that their file had: what get() has
// compared with its digest once is right for as long as the file is there and is not touched.
// Threads: safe. Borrows: the driver.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/shared_cache.h"
#include "driver/storage_driver.h"
#include "registry/blobs.h"

namespace berth::storage {

using model::CanonicalDigest;
using model::Descriptor;
using model::Digest;
using registry::Need;
using registry::Readable;

class BlobStore final : public registry::BlobStatter, public registry::BlobProvider {
public:
  explicit BlobStore(driver::StorageDriver& driver) : driver_(driver) {}

  // Errors: blob_unknown, also for a digest that is not canonical: only links and aliases map those.
  Result<Readable> look(const Digest& digest, Need need) override;
  Result<Location> locate(const Readable& blob) override;
  Result<std::string> get(const Digest& digest, std::size_t max_bytes) override {
    return get(digest, max_bytes, Need::to_read);
  }
  Result<std::string> get(const Digest& digest, std::size_t max_bytes, Need need);
  // All of its bytes, to be read. Errors: blob_unknown.
  Result<Content> open(const CanonicalDigest& digest);
  // The size of what is in the blob's place; nothing: nothing is there, though it may be parked.
  Result<std::optional<std::uint64_t>> size_in_place(const CanonicalDigest& digest);
  // Whether get() would have the bytes from memory, if the file is still there.
  bool remembers(const CanonicalDigest& digest) { return memory_.has(digest.str()); }
  CacheFacts memory() { return memory_.facts(); }

  // The write that stores content as the blob; pass it to put(). Requires: its bytes have the digest. An existing blob
  // is kept and made durable, as its writer may not have synced it (docker-registry does not, wholly); one of another
  // size (or, if content is in memory, of other bytes) is damaged, and replaced.
  Result<driver::PutFile> file(Content content, const CanonicalDigest& digest);
  // The write that lets stat_alias find a blob under another digest; pass it to put(). Requires: its bytes have both.
  driver::PutFile alias(const Digest& digest, const CanonicalDigest& canonical);
  // stat, also under a digest that an alias leads from. Errors: blob_unknown.
  Result<Descriptor> stat_alias(const Digest& digest);

private:
  Result<bool> has(const Content& content, const std::string& path);
  template <class Look>
  auto look_up(const CanonicalDigest& digest, Need need, const Look& look);

  static constexpr std::size_t max_remembered_bytes = std::size_t{4} << 20;
  static constexpr std::size_t max_remembered_blob = std::size_t{64} << 10;

  struct Remembered {
    driver::Version version;
    std::shared_ptr<const std::string> bytes;
  };

  driver::StorageDriver& driver_;
  SharedCache<Remembered> memory_{max_remembered_bytes};
};

} // namespace berth::storage
