// LinkedBlobStatter: what a repository may see: a blob that is linked in it and whose bytes are in the store.
// Threads: safe. Borrows: the global store, and the logger.
#pragma once

#include "base/log.h"
#include "registry/blobs.h"
#include "storage/blobs/blob_store.h"
#include "storage/blobs/link_set.h"

namespace berth::storage {

class LinkedBlobStatter final : public registry::AuthoritativeStatter {
public:
  LinkedBlobStatter(BlobStore& global, LinkSet links, Logger& logger)
      : global_(global), links_(std::move(links)), logger_(logger) {}

  // The blob that a digest leads to, which need not be stored. A link that holds rubbish counts as none, and is logged:
  // so that pushing the blob again mends it. Errors: blob_unknown.
  Result<CanonicalDigest> resolve(const Digest& digest, Need need);
  Result<Readable> look(const Digest& digest, Need need) override;
  Result<bool> confirms(const Digest& digest, const Descriptor& descriptor) override;

  LinkSet& links() { return links_; }

private:
  BlobStore& global_;
  LinkSet links_;
  Logger& logger_;
};

} // namespace berth::storage
