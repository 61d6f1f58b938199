// The descriptor cache in memory (storage.cache.blobdescriptor: inmemory): a bounded map from repository and digest to
// Descriptor, shared by all requests of a pool.
// Threads: safe.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/guarded.h"
#include "base/lru_map.h"
#include "registry/blobs.h"

namespace berth::cache {

class Memory {
public:
  explicit Memory(std::size_t max_entries) : entries_(Entries(max_entries)) {}

  std::optional<model::Descriptor> find(const model::RepositoryName& repository, const model::Digest& digest);
  void put(const model::RepositoryName& repository, const model::Digest& digest, model::Descriptor descriptor);
  void erase(const model::RepositoryName& repository, const model::Digest& digest);

private:
  using Entries = LruMap<std::string, model::Descriptor>;
  Guarded<Entries> entries_;
};

class MemoryCache final : public registry::DescriptorCache {
public:
  explicit MemoryCache(std::size_t max_entries) : memory_(max_entries) {}
  std::unique_ptr<registry::BlobDescriptorService> before(registry::AuthoritativeStatter& backend,
                                                          const model::RepositoryName& repository) override;

private:
  Memory memory_;
};

} // namespace berth::cache
