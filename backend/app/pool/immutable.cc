#include "app/pool/immutable.h"

namespace berth::app {

Result<storage::ImmutableTags> immutable_tags_of(const config::Config& config) {
  std::vector<storage::WrittenImmutable> written;
  for (const auto& rule : config.berth.immutable)
    written.push_back({rule.origin + ": berth.immutable[" + std::to_string(written.size()) + "]", rule.repositories,
                       rule.tags, rule.except});
  return storage::ImmutableTags::make(written);
}

} // namespace berth::app
