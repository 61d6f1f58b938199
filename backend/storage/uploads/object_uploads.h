// ObjectUploads: uploads to a store that has whole objects only, and to which any number of hosts write that share
// nothing else. It stands on StorageDriver alone: no locks, no appending (docs/decisions/0047).
//
// - All of a blob that comes in one request is hashed by then. It goes to the place where the blob will have its bytes,
//   before anybody asks for it under that name: no repository shows it without a link. To end the upload is to compare
//   two digests and to write the link. Should the client never end it, an unlinked blob is left to the collection.
// - Chunks are kept below /berth/uploads/<id>/, one object each (pieces.h). Whoever ends the upload puts them
//   together while they are read from the store and written to it; nothing of it is in memory or on a local disk.
// - How far an upload has come is in the state that its client brings back: any host can go on with it. Two writers
//   that go on from one state fork the upload. Each has a state of its own, which leads to its own bytes; the digest
//   decides.
// - A cancelled upload leaves an object that says so, for whoever puts chunks together later. What has ended here is
//   remembered, and answers blob_upload_unknown from then on; on another host ending it again links the same blob
//   again. So is how far an upload has come, for who asks without a state; another host does not know it.
// Requires: states are genuine: whoever hands them out signs them. Borrows: everything it is made of.
#pragma once

#include <string>

#include "base/clock.h"
#include "base/random.h"
#include "base/shared_cache.h"
#include "driver/storage_driver.h"
#include "storage/uploads/uploads.h"

namespace berth::storage {

class ObjectUploads final : public UploadStore {
public:
  ObjectUploads(driver::StorageDriver& driver, const Clock& clock, Random& random)
      : driver_(driver), clock_(clock), random_(random) {}

  std::unique_ptr<Uploads> of(const model::RepositoryName& repository) override;
  // What is kept of old uploads, and what says that they were cancelled. An upload's age counts from its beginning,
  // whether or not it is being written; one that has no objects need not be purged.
  Result<Purged> purge(const PurgeOptions& options, const TellPurged& tell) override;

private:
  class OfRepository;
  class Writer;

  driver::StorageDriver& driver_;
  const Clock& clock_;
  Random& random_;
  // What this host knows of an upload, by repository and id: its last state, or that it has ended.
  SharedCache<std::string> known_{std::size_t{2} << 20}; // some 4,000 uploads
};

} // namespace berth::storage
