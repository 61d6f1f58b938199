// Uploads: the uploads in progress of one repository, in docker/distribution's form: `_uploads/<id>/` with startedat,
// data and hashstates/sha256/<offset>, so that either registry can finish what the other began.
//
// One writer at a time: a writer holds the lock on `startedat` as long as it lives. The length of an upload is the
// greatest offset for which there is a true hash state within data; what a dead writer left behind it is not
// acknowledged, and the next append overwrites it. Without one (an upload of an old registry, or one of up to 256 KiB:
// docs/decisions/0017) it is the length of data, all of which is hashed when it is committed.
// Order: data is durable before its hash state exists, so a state never vouches for bytes that a power cut took. The
// blob gets data as a second name of the same file, and the upload goes last: a commit that fails half-way (a full
// disk) can be tried again.
// Threads: belongs to one request. Borrows: everything it is made of.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "base/clock.h"
#include "base/random.h"
#include "driver/storage_driver.h"
#include "model/digester.h"
#include "registry/blobs.h"
#include "spool/file_hashes.h"

namespace berth::storage {

using model::CanonicalDigest;
using model::Descriptor;
using model::Digest;

// Stores and links the blob that an upload became. Durable.
using Publish = std::function<Result<>(const Digest& client_digest, const Descriptor& descriptor, Content bytes)>;

class Uploads {
public:
  struct Parts {
    driver::StorageDriver& driver;
    const Clock& clock;
    Random& random;
    spool::FileHashes& hashes;
  };
  Uploads(Parts parts, model::RepositoryName repository) : parts_(parts), repository_(std::move(repository)) {}

  Result<std::unique_ptr<registry::BlobWriter>> create(Publish publish);
  Result<std::unique_ptr<registry::BlobWriter>> resume(const model::UploadId& id, Publish publish);
  Result<std::uint64_t> size(const model::UploadId& id);

private:
  class Writer;

  Parts parts_;
  model::RepositoryName repository_;
};

} // namespace berth::storage
