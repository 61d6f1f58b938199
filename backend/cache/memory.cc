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
  return entries_.with([&](Map& entries) -> std::optional<model::Descriptor> {
    const model::Descriptor* found = entries.find(key_of(repository, digest));
    return found != nullptr ? std::optional(*found) : std::nullopt;
  });
}

Result<> Memory::put(const model::RepositoryName& repository, const model::Digest& digest,
                     const model::Descriptor& descriptor) {
  entries_.with([&](Map& entries) {
    entries.put(key_of(repository, digest), descriptor);
    if (digest != descriptor.digest) entries.put(key_of(repository, descriptor.digest), descriptor);
  });
  return {};
}

Result<> Memory::erase(const model::RepositoryName& repository, const model::Digest& digest) {
  entries_.with([&](Map& entries) { entries.erase(key_of(repository, digest)); });
  return {};
}

} // namespace berth::cache
