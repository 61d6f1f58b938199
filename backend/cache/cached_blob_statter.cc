#include "cache/cached_blob_statter.h"

namespace berth::cache {

Result<model::Descriptor> CachedBlobStatter::stat(const model::Digest& digest) {
  if (const auto remembered = memory_.find(repository_, digest)) {
    BERTH_TRY(const bool holds, backend_.confirms(digest, *remembered));
    if (holds) return *remembered;
    memory_.erase(repository_, digest);
  }
  auto found = backend_.stat(digest);
  if (found) memory_.put(repository_, digest, *found);
  return found;
}

void CachedBlobStatter::set_descriptor(const model::Digest& digest, const model::Descriptor& descriptor) {
  memory_.put(repository_, digest, descriptor);
}

void CachedBlobStatter::clear(const model::Digest& digest) { memory_.erase(repository_, digest); }

std::unique_ptr<registry::BlobDescriptorService> MemoryCache::before(registry::AuthoritativeStatter& backend,
                                                                     const model::RepositoryName& repository) {
  return std::make_unique<CachedBlobStatter>(memory_, repository, backend);
}

} // namespace berth::cache
