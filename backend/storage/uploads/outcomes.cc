#include "storage/uploads/outcomes.h"

#include "model/digester.h"

namespace berth::storage {

Result<bool> is_digest_of(const Content& content, const model::Digest& claimed, const model::CanonicalDigest& actual) {
  if (claimed.algorithm() == model::CanonicalDigest::canonical_algorithm) return claimed == actual;
  model::Digester digester(claimed.algorithm());
  BERTH_CHECK(content.read([&](std::span<const std::byte> piece) -> Result<> {
    digester.update(piece);
    return {};
  }));
  return digester.finish() == claimed;
}

} // namespace berth::storage
