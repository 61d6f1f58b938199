#include "storage/blobs/linked_blob_statter.h"

namespace berth::storage {

Result<CanonicalDigest> LinkedBlobStatter::resolve(const Digest& digest, Need need) {
  auto canonical = links_.resolve(digest, need);
  if (canonical) return canonical;
  if (is(canonical.error(), Code::corrupt))
    logger_.warn(canonical.error().message);
  else if (!is(canonical.error(), Code::not_found))
    return canonical;
  return fail(Code::blob_unknown, {}, digest.str());
}

Result<Readable> LinkedBlobStatter::look(const Digest& digest, Need need) {
  BERTH_TRY(const CanonicalDigest canonical, resolve(digest, need));
  return global_.look(canonical, need);
}

Result<bool> LinkedBlobStatter::confirms(const Digest& digest, const Descriptor& descriptor) {
  BERTH_TRY(const bool linked, links_.has_in_place(digest));
  if (!linked) return false;
  if (digest != descriptor.digest) { // an alias counts only beside the canonical link
    BERTH_TRY(const bool canonical, links_.has_in_place(descriptor.digest));
    if (!canonical) return false;
  }
  BERTH_TRY(const auto size, global_.size_in_place(descriptor.digest));
  return size == descriptor.size;
}

} // namespace berth::storage
