#include "storage/blobs/linked_blob_store.h"

#include <algorithm>
#include <iterator>

namespace berth::storage {

LinkedBlobStore::LinkedBlobStore(BlobStore& global, LinkSet links, Logger& logger)
    : global_(global), statter_(global, std::move(links), logger) {}

LinkedBlobStore::LinkedBlobStore(BlobStore& global, LinkSet links, Logger& logger, registry::DescriptorCache& cache,
                                 const model::RepositoryName& repository)
    : global_(global), statter_(global, std::move(links), logger), cached_(cache.before(statter_, repository)) {}

Result<Readable> LinkedBlobStore::look(const Digest& digest, Need need) {
  return cached_ ? cached_->look(digest, need) : statter_.look(digest, need);
}

Result<std::string> LinkedBlobStore::get(const Digest& digest, std::size_t max_bytes, Need need) {
  // The link of a canonical digest says nothing but that it is there.
  if (const auto itself = CanonicalDigest::from(digest); itself && global_.remembers(*itself)) {
    BERTH_TRY(const bool linked, statter_.links().has(digest, need));
    if (!linked) return fail(Code::blob_unknown, {}, digest.str());
    return global_.get(*itself, max_bytes, need);
  }
  BERTH_TRY(const CanonicalDigest canonical, statter_.resolve(digest, need)); // its link was read, so it is there
  return global_.get(canonical, max_bytes, need);
}

Result<Descriptor> LinkedBlobStore::put(std::string_view media_type, std::string_view bytes) {
  Descriptor descriptor{std::string(media_type), bytes.size(), CanonicalDigest::of_bytes(bytes)};
  BERTH_CHECK(publish(descriptor.digest, descriptor, Content::of(std::string(bytes))));
  return descriptor;
}

Result<> LinkedBlobStore::publish(const Digest& client_digest, const Descriptor& descriptor) {
  return link({}, client_digest, descriptor);
}

Result<> LinkedBlobStore::publish(const Digest& client_digest, const Descriptor& descriptor, Content bytes,
                                  std::vector<driver::PutFile> before_links) {
  BERTH_TRY(driver::PutFile blob, global_.file(std::move(bytes), descriptor.digest));
  std::vector<driver::PutFile> files;
  files.push_back(std::move(blob));
  std::ranges::move(before_links, std::back_inserter(files));
  return link(std::move(files), client_digest, descriptor);
}

Result<> LinkedBlobStore::link(std::vector<driver::PutFile> files, const Digest& client_digest,
                               const Descriptor& descriptor) {
  files.push_back(statter_.links().file(descriptor.digest, descriptor.digest));
  if (client_digest != descriptor.digest) files.push_back(statter_.links().file(client_digest, descriptor.digest));
  BERTH_CHECK(statter_.links().driver().put(std::move(files)));
  if (cached_) cached_->set_descriptor(client_digest, descriptor);
  return {};
}

Result<> LinkedBlobStore::remove(const Digest& digest) {
  BERTH_TRY(const Readable found, find(digest));
  // The blob goes from the repository under the name that was given, and under its canonical one.
  for (const Digest& name : {digest, Digest(found.descriptor.digest)}) {
    const auto unlinked = statter_.links().unlink(name);
    if (!unlinked && !is(unlinked.error(), Code::not_found)) return std::unexpected(unlinked.error());
    forget(name);
  }
  return {};
}

void LinkedBlobStore::forget(const Digest& digest) {
  if (cached_) cached_->clear(digest);
}

} // namespace berth::storage
