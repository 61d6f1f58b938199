// CachedBlobStatter: a memory before a repository's statter. It never answers from memory alone: on a file system the
// question "is it still so?" costs two stats, so an entry is confirmed before it is believed. A blob deleted by another
// pool, or collected by another program, is therefore never reported as present; nor is one that another program wrote
// into a shared memory. The memory saves the reading of the link, and the mapping from a provisional digest to its
// canonical one. A memory that is out of order is passed by.
// Threads: safe, as the entries are.
#pragma once

#include <memory>

#include "cache/entries.h"
#include "cache/memory.h"
#include "registry/blobs.h"

namespace berth::cache {

class CachedBlobStatter final : public registry::BlobDescriptorService {
public:
  CachedBlobStatter(Entries& entries, Counters& counters, model::RepositoryName repository,
                    registry::AuthoritativeStatter& backend)
      : entries_(entries), counters_(counters), repository_(std::move(repository)), backend_(backend) {}

  Result<registry::Readable> look(const model::Digest& digest, registry::Need need) override;
  void set_descriptor(const model::Digest& digest, const model::Descriptor& descriptor) override;
  void clear(const model::Digest& digest) override;

private:
  Entries& entries_;
  Counters& counters_;
  model::RepositoryName repository_;
  registry::AuthoritativeStatter& backend_;
};

// The descriptor cache over any entries. Threads: safe.
class Cache final : public registry::DescriptorCache {
public:
  explicit Cache(std::unique_ptr<Entries> entries) : entries_(std::move(entries)) {}
  std::unique_ptr<registry::BlobDescriptorService> before(registry::AuthoritativeStatter& backend,
                                                          const model::RepositoryName& repository) override;
  void forget(const std::vector<model::Digest>& blobs) override { static_cast<void>(entries_->forget(blobs)); }
  Counts counts() const { return counters_.counts(); }

private:
  std::unique_ptr<Entries> entries_;
  Counters counters_;
};

} // namespace berth::cache
