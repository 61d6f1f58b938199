// Uploads: the uploads in progress of one repository; UploadStore: those of a whole store. What a writer acknowledged
// survives it. How an upload is kept until it becomes a blob is the implementation's (file_uploads.h: in
// docker/distribution's files, by one writer at a time; object_uploads.h: in objects, by whoever has its state).
// Threads: UploadStore is safe; Uploads belong to one request, as their writers do.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
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
  virtual ~Uploads() = default;
  virtual Result<std::unique_ptr<registry::BlobWriter>> create(Publish publish) = 0;
  // As registry::BlobIngester.
  virtual Result<std::unique_ptr<registry::BlobWriter>> resume(const model::UploadId& id, const std::string& state,
                                                               Publish publish) = 0;
  virtual Result<registry::UploadProgress> progress(const model::UploadId& id, const std::string& state) = 0;
  // Removes those that nobody is writing just now. Where it cannot be told which are the repository's, none: the purge
  // has them in time. Scratch.
  virtual Result<> remove_idle() { return {}; }
};

struct PurgeOptions {
  Time started_before; // uploads begun earlier are purged
  bool dry_run = false;
  std::function<bool()> stop = [] { return false; }; // asked between uploads
};

struct Purged {
  std::size_t uploads = 0; // removed, or to be removed
  std::size_t busy = 0;    // old, but being written now: left alone
  std::size_t failed = 0;  // each was told
};

using TellPurged = std::function<void(const std::string& path, const Error* why_not)>;

class UploadStore {
public:
  virtual ~UploadStore() = default;
  // Borrows: the store.
  virtual std::unique_ptr<Uploads> of(const model::RepositoryName& repository) = 0;
  // Removes old uploads of all repositories. One that is being written, by this pool or another, stays, and several
  // purges at once do no harm. tell is called for each that is removed (with no error), or could not be.
  // Spec: docker/distribution's uploadpurging. Errors: io, if the repositories cannot be listed.
  virtual Result<Purged> purge(const PurgeOptions& options, const TellPurged& tell) = 0;
  // Through which uploads are hashed. Lives as long as the store.
  spool::FileHashes& hashes() { return hashes_; }

private:
  spool::FileHashes hashes_;
};

} // namespace berth::storage
