#include "cache/cached_blob_statter.h"

namespace berth::cache {

Result<registry::Readable> CachedBlobStatter::look(const model::Digest& digest, registry::Need need) {
  const auto remembered = entries_.find(repository_, digest);
  if (remembered && *remembered) {
    BERTH_TRY(const bool holds, backend_.confirms(digest, **remembered));
    if (holds) {
      counters_.hit();
      return registry::Readable{**remembered};
    }
    static_cast<void>(entries_.erase(repository_, digest)); // it is not believed, whether it goes or not
  }
  if (remembered)
    counters_.miss();
  else
    counters_.error();
  auto found = backend_.look(digest, need);
  // Not into a memory that has just failed; and no other registry that reads it finds what is parked.
  if (found && remembered && !found->parked) set_descriptor(digest, found->descriptor);
  return found;
}

// Entries log what is wrong with them, and nothing depends on them.
void CachedBlobStatter::set_descriptor(const model::Digest& digest, const model::Descriptor& descriptor) {
  static_cast<void>(entries_.put(repository_, digest, descriptor));
}

void CachedBlobStatter::clear(const model::Digest& digest) { static_cast<void>(entries_.erase(repository_, digest)); }

std::unique_ptr<registry::BlobDescriptorService> Cache::before(registry::AuthoritativeStatter& backend,
                                                               const model::RepositoryName& repository) {
  return std::make_unique<CachedBlobStatter>(*entries_, counters_, repository, backend);
}

} // namespace berth::cache
