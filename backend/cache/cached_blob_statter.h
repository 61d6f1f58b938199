// CachedBlobStatter: a memory before a repository's statter. It never answers from memory alone: on a file system the
// question "is it still so?" costs two stats, so an entry is confirmed before it is believed. A blob deleted by another
// pool, or collected by another program, is therefore never reported as present. What the memory saves is the reading
// of the link, and the mapping from a provisional digest to its canonical one. Threads: safe, as the entries are.
#pragma once

#include <memory>

#include "cache/memory.h"
#include "registry/blobs.h"

namespace berth::cache {

class CachedBlobStatter final : public registry::BlobDescriptorService {
public:
  CachedBlobStatter(Memory& memory, model::RepositoryName repository, registry::AuthoritativeStatter& backend)
      : memory_(memory), repository_(std::move(repository)), backend_(backend) {}

  Result<model::Descriptor> stat(const model::Digest& digest) override;
  void set_descriptor(const model::Digest& digest, const model::Descriptor& descriptor) override;
  void clear(const model::Digest& digest) override;

private:
  Memory& memory_;
  model::RepositoryName repository_;
  registry::AuthoritativeStatter& backend_;
};

} // namespace berth::cache
