// The descriptor cache in memory (storage.cache.blobdescriptor: inmemory): a bounded map from repository and digest to
// Descriptor, shared by all requests of a pool.
// Threads: safe.
#pragma once

#include <limits>
#include <optional>
#include <string>

#include "base/shared_cache.h"
#include "cache/entries.h"

namespace berth::cache {

class Memory final : public Entries {
public:
  explicit Memory(std::size_t max_entries) : entries_(std::numeric_limits<std::size_t>::max(), max_entries) {}

  // None fails.
  Result<std::optional<model::Descriptor>> find(const model::RepositoryName& repository,
                                                const model::Digest& digest) override;
  Result<> put(const model::RepositoryName& repository, const model::Digest& digest,
               const model::Descriptor& descriptor) override;
  Result<> erase(const model::RepositoryName& repository, const model::Digest& digest) override;
  CacheFacts memory() { return entries_.facts(); }

private:
  SharedCache<model::Descriptor> entries_;
};

} // namespace berth::cache
