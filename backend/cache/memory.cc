#include "cache/memory.h"

namespace berth::cache {
namespace {

// Names hold no '@', so no two pairs make the same key.
std::string key_of(const model::RepositoryName& repository, const model::Digest& digest) {
  return repository.str() + "@" + digest.str();
}

} // namespace

std::optional<model::Descriptor> Memory::find(const model::RepositoryName& repository, const model::Digest& digest) {
  return entries_.with([&](Entries& entries) -> std::optional<model::Descriptor> {
    const model::Descriptor* found = entries.find(key_of(repository, digest));
    return found != nullptr ? std::optional(*found) : std::nullopt;
  });
}

void Memory::put(const model::RepositoryName& repository, const model::Digest& digest, model::Descriptor descriptor) {
  entries_.with([&](Entries& entries) { entries.put(key_of(repository, digest), std::move(descriptor)); });
}

void Memory::erase(const model::RepositoryName& repository, const model::Digest& digest) {
  entries_.with([&](Entries& entries) { entries.erase(key_of(repository, digest)); });
}

} // namespace berth::cache
