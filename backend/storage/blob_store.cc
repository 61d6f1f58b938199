#include "storage/blob_store.h"

#include "model/media_types.h"
#include "storage/paths.h"

namespace berth::storage {
namespace {

std::unexpected<Error> unknown(const Digest& digest) { return fail(Code::blob_unknown, {}, digest.str()); }

} // namespace

Result<Descriptor> BlobStore::stat(const Digest& digest) {
  const auto canonical = CanonicalDigest::from(digest);
  if (!canonical) return unknown(digest);
  const auto info = driver_.stat(paths::blob_data(*canonical));
  if (!info && is(info.error(), Code::not_found)) return unknown(digest);
  if (!info) return std::unexpected(info.error());
  return Descriptor{std::string(model::media::octet_stream), info->size, *canonical};
}

Result<registry::BlobLocation> BlobStore::locate(const Descriptor& descriptor) {
  BERTH_TRY(driver::Location location, driver_.locate(paths::blob_data(descriptor.digest)));
  if (auto* file = std::get_if<driver::FileBelowRoot>(&location)) return registry::StoredFile{std::move(file->path)};
  return std::get<std::string>(std::move(location));
}

Result<std::string> BlobStore::get(const Digest& digest, std::size_t max_bytes) {
  const auto canonical = CanonicalDigest::from(digest);
  if (!canonical) return unknown(digest);
  auto bytes = driver_.get_content(paths::blob_data(*canonical), max_bytes);
  if (!bytes && is(bytes.error(), Code::not_found)) return unknown(digest);
  if (bytes && CanonicalDigest::of_bytes(*bytes) != *canonical)
    return fail(Code::corrupt, "the bytes of blob " + digest.str() + " are not its digest");
  return bytes;
}

Result<Descriptor> BlobStore::put(std::string_view media_type, std::string_view bytes) {
  Descriptor descriptor{std::string(media_type), bytes.size(), CanonicalDigest::of_bytes(bytes)};
  // Small enough to compare: what is there and is not these bytes is damaged, and replaced.
  const std::string path = paths::blob_data(descriptor.digest);
  const auto existing = driver_.get_content(path, bytes.size());
  if (existing && *existing == bytes && driver_.sync(path)) return descriptor;
  BERTH_CHECK(driver_.adopt(Content::of(std::string(bytes)), path));
  return descriptor;
}

Result<bool> BlobStore::keep_existing(const CanonicalDigest& digest, std::uint64_t size) {
  const std::string path = paths::blob_data(digest);
  const auto existing = driver_.stat(path);
  if (!existing && !is(existing.error(), Code::not_found)) return std::unexpected(existing.error());
  if (!existing || existing->size != size) return false;
  // Whoever wrote it may not have synced it (docker-registry does not), or not yet.
  const auto synced = driver_.sync(path);
  if (!synced && is(synced.error(), Code::not_found)) return false; // collected since
  BERTH_CHECK(synced);
  return true;
}

Result<> BlobStore::take(Content content, const CanonicalDigest& digest) {
  BERTH_TRY(const bool kept, keep_existing(digest, content.size()));
  if (kept) return {};
  return driver_.adopt(std::move(content), paths::blob_data(digest));
}

Result<> BlobStore::take_file(const std::string& path, std::uint64_t size, const CanonicalDigest& digest) {
  BERTH_TRY(const bool kept, keep_existing(digest, size));
  if (kept) return {};
  BERTH_CHECK(driver_.sync(path)); // docker-registry may have written it, and does not
  return driver_.move(path, paths::blob_data(digest));
}

} // namespace berth::storage
