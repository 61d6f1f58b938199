// The descriptor cache in memory (storage.cache.blobdescriptor: inmemory): a bounded map from repository and digest to
// Descriptor, shared by all requests of a pool.
// Threads: safe.
#pragma once

#include <optional>
#include <string>

#include "base/guarded.h"
#include "base/lru_map.h"
#include "cache/entries.h"

namespace berth::cache {

class Memory final : public Entries {
public:
  explicit Memory(std::size_t max_entries) : entries_(Map(max_entries)) {}

  // None fails.
  Result<std::optional<model::Descriptor>> find(const model::RepositoryName& repository,
                                                const model::Digest& digest) override;
  Result<> put(const model::RepositoryName& repository, const model::Digest& digest,
               const model::Descriptor& descriptor) override;
  Result<> erase(const model::RepositoryName& repository, const model::Digest& digest) override;

private:
  using Map = LruMap<std::string, model::Descriptor>;
  Guarded<Map> entries_;
};

} // namespace berth::cache
