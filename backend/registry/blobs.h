// The services of blobs, each a small interface: finding (statter), reading (provider), writing (ingester, writer),
// deleting, and remembering (descriptor service). Metadata and bytes never mix: a stat moves no bytes, and reading
// starts from a Descriptor that a stat gave.
// Threads: every service is safe; a BlobWriter belongs to one request.
// Errors: those named, and io and storage_full from below.
// Spec: the blob architecture of docker/distribution 2.1 (docs/ARCHITECTURE.md, "Blobs").
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/content.h"
#include "base/location.h"
#include "base/result.h"
#include "model/descriptor.h"
#include "model/names.h"
#include "registry/blob_writer.h"

namespace berth::registry {

using model::CanonicalDigest;
using model::Descriptor;
using model::Digest;

// What somebody looks for a blob for. Garbage collection parks what nothing names, for a while, before it frees it
// (docs/decisions/0045): it is found all the same.
enum class Need {
  to_read, // now; changes nothing
  to_keep, // it will be named, or not be sent because it is there: what was parked is in its place again, durably
};

struct Readable {
  Descriptor descriptor;
  bool parked = false; // and not brought back
};

// Finding: provisional digest in, Descriptor with the canonical digest out.
class BlobStatter {
public:
  virtual ~BlobStatter() = default;
  // Errors: blob_unknown, also when this caller's repository may not see it.
  virtual Result<Readable> look(const Digest& digest, Need need) = 0;

  Result<Readable> find(const Digest& digest) { return look(digest, Need::to_read); }
  Result<Descriptor> stat(const Digest& digest) {
    BERTH_TRY(Readable found, look(digest, Need::to_keep));
    return std::move(found.descriptor);
  }
};

class BlobProvider {
public:
  virtual ~BlobProvider() = default;
  // A path calculation: does not look at the store.
  virtual Result<Location> locate(const Readable& blob) = 0;
  // The bytes of a small blob (a manifest, a config).
  // Errors: blob_unknown; size_invalid if it is larger than max_bytes; corrupt if its bytes are not its digest.
  virtual Result<std::string> get(const Digest& digest, std::size_t max_bytes) = 0;
};

// The two outcomes of creating an upload; both are success.
struct Mounted {
  Descriptor descriptor;
};
using Created = std::variant<Mounted, std::unique_ptr<BlobWriter>>;

struct MountRequest {
  Digest digest;
  // Absent: from anywhere in the store, which is for callers who may read all of it.
  std::optional<model::RepositoryName> from;
};

class BlobIngester {
public:
  virtual ~BlobIngester() = default;
  // Stores a small blob. Durable.
  virtual Result<Descriptor> put(std::string_view media_type, std::string_view bytes) = 0;
  // Makes a blob of the store visible in this repository, wherever it came from. For storage/ alone: a client gets at
  // bytes of other repositories by a mount. Errors: blob_unknown if the store has it not. Durable.
  virtual Result<Descriptor> adopt(const Digest& digest) = 0;
  // Begins an upload, or mounts: a mount that cannot be made is no error but a writer.
  virtual Result<Created> create(const std::optional<MountRequest>& mount) = 0;
  // state: the last that the caller has, of this upload; empty: none. Errors: blob_upload_unknown; busy.
  virtual Result<std::unique_ptr<BlobWriter>> resume(const model::UploadId& id, const std::string& state) = 0;
  // The same without taking hold of it. Errors: blob_upload_unknown.
  virtual Result<UploadProgress> upload_progress(const model::UploadId& id, const std::string& state) = 0;
};

class BlobDeleter {
public:
  virtual ~BlobDeleter() = default;
  // Errors: blob_unknown.
  virtual Result<> remove(const Digest& digest) = 0;
};

// A statter whose answers are the truth, and which can tell cheaply whether an old answer still holds.
class AuthoritativeStatter : public BlobStatter {
public:
  // Whether stat(digest) would still answer descriptor: the access is still granted and the bytes are still there, both
  // in their places.
  virtual Result<bool> confirms(const Digest& digest, const Descriptor& descriptor) = 0;
};

// A statter that is told what was written and removed: the head of a cache hierarchy. Scoped to a repository by whoever
// made it: the presence of an entry grants access, so nothing is entered that was not linked.
class BlobDescriptorService : public BlobStatter {
public:
  virtual void set_descriptor(const Digest& digest, const Descriptor& descriptor) = 0;
  virtual void clear(const Digest& digest) = 0;
};

// Makes such a head before a repository's statter. A fault of the cache never fails a request.
class DescriptorCache {
public:
  virtual ~DescriptorCache() = default;
  // Borrows: backend.
  virtual std::unique_ptr<BlobDescriptorService> before(AuthoritativeStatter& backend,
                                                        const model::RepositoryName& repository) = 0;
  // The bytes of these blobs are in their places no more: whoever shares the memory, and believes it, has to look.
  virtual void forget(const std::vector<Digest>& /*blobs*/) {}
};

// All that a repository offers of its blobs.
class BlobStore : public BlobStatter, public BlobProvider, public BlobIngester, public BlobDeleter {};

} // namespace berth::registry
