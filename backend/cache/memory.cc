#include "cache/memory.h"

namespace berth::cache {
namespace {

// Names hold no '@', so no two pairs make the same key.
std::string key_of(const model::RepositoryName& repository, const model::Digest& digest) {
  return repository.str() + "@" + digest.str();
}

} // namespace

Result<std::optional<model::Descriptor>> Memory::find(const model::RepositoryName& repository,
                                                      const model::Digest& digest) {
  return entries_.find(key_of(repository, digest));
}

Result<> Memory::put(const model::RepositoryName& repository, const model::Digest& digest,
                     const model::Descriptor& descriptor) {
  const std::size_t bytes = descriptor.media_type.size() + descriptor.digest.str().size();
  entries_.put(key_of(repository, digest), descriptor, bytes);
  if (digest != descriptor.digest) entries_.put(key_of(repository, descriptor.digest), descriptor, bytes);
  return {};
}

Result<> Memory::erase(const model::RepositoryName& repository, const model::Digest& digest) {
  entries_.erase(key_of(repository, digest));
  return {};
}

} // namespace berth::cache
