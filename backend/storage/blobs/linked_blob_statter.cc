#include "storage/blobs/linked_blob_statter.h"

namespace berth::storage {

Result<CanonicalDigest> LinkedBlobStatter::resolve(const Digest& digest) {
  auto canonical = links_.resolve(digest);
  if (canonical) return canonical;
  if (is(canonical.error(), Code::corrupt))
    logger_.warn(canonical.error().message);
  else if (!is(canonical.error(), Code::not_found))
    return canonical;
  return fail(Code::blob_unknown, {}, digest.str());
}

Result<Descriptor> LinkedBlobStatter::stat(const Digest& digest) {
  BERTH_TRY(const CanonicalDigest canonical, resolve(digest));
  return global_.stat(canonical);
}

Result<bool> LinkedBlobStatter::confirms(const Digest& digest, const Descriptor& descriptor) {
  BERTH_TRY(const bool linked, links_.has(digest));
  if (!linked) return false;
  if (digest != descriptor.digest) { // an alias counts only beside the canonical link
    BERTH_TRY(const bool canonical, links_.has(descriptor.digest));
    if (!canonical) return false;
  }
  const auto stored = global_.stat(descriptor.digest);
  if (!stored && is(stored.error(), Code::blob_unknown)) return false;
  if (!stored) return std::unexpected(stored.error());
  return stored->size == descriptor.size;
}

} // namespace berth::storage
