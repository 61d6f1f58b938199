#include "storage/manifests/signature_store.h"

#include <algorithm>

#include "model/schema1.h"
#include "storage/paths.h"

namespace berth::storage {

LinkedBlobStore SignatureStore::blobs_of(const CanonicalDigest& manifest) {
  return LinkedBlobStore(parts_.global, LinkSet::signatures(parts_.driver, repository_, manifest), parts_.logger);
}

Result<std::vector<std::string>> SignatureStore::get(const CanonicalDigest& manifest) {
  std::vector<std::string> signatures;
  const auto names = driver::names_in(parts_.driver, paths::signatures(repository_, manifest) + "/sha256");
  if (!names && is(names.error(), Code::not_found)) return signatures;
  if (!names) return std::unexpected(names.error());
  LinkedBlobStore blobs = blobs_of(manifest);
  for (const std::string& hex : *names) {
    if (signatures.size() == model::max_schema1_signatures) break;
    const auto digest = Digest::parse("sha256:" + hex);
    if (!digest) continue; // a file on its way in or out
    auto signature = blobs.get(*digest, model::max_schema1_signature_bytes);
    if (signature) {
      signatures.push_back(std::move(*signature));
      continue;
    }
    // A manifest can do without any one of them.
    const Error& why = signature.error();
    if (is(why, Code::corrupt) || is(why, Code::size_invalid))
      parts_.logger.warn("a signature cannot be read", {{"manifest", manifest.str()}, {"why", why.message}});
    else if (!is(why, Code::blob_unknown))
      return std::unexpected(why);
  }
  return signatures;
}

Result<> SignatureStore::add(const CanonicalDigest& manifest, const std::vector<std::string>& signatures) {
  BERTH_TRY(const auto there, get(manifest));
  std::size_t count = there.size();
  LinkedBlobStore blobs = blobs_of(manifest);
  for (const std::string& signature : signatures) {
    const bool known = std::ranges::find(there, signature) != there.end();
    if (!known && count == model::max_schema1_signatures) {
      parts_.logger.warn("a manifest has no room for another signature", {{"manifest", manifest.str()}});
      continue;
    }
    // Also when it is there: then it only has to be durable.
    BERTH_TRY(const Descriptor stored, blobs.put("application/json", signature));
    if (!known) ++count;
  }
  return {};
}

} // namespace berth::storage
