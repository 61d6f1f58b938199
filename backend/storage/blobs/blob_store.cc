#include "storage/blobs/blob_store.h"

#include "model/media_types.h"
#include "storage/blobs/link_set.h"
#include "storage/paths.h"

namespace berth::storage {
namespace {

constexpr std::size_t entry_bytes = 512; // about the memory for an entry, without the blob's bytes

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

Result<Location> BlobStore::locate(const Descriptor& descriptor) {
  return driver_.locate(paths::blob_data(descriptor.digest));
}

Result<std::string> BlobStore::get(const Digest& digest, std::size_t max_bytes) {
  const auto canonical = CanonicalDigest::from(digest);
  if (!canonical) return unknown(digest);
  const std::string path = paths::blob_data(*canonical);
  // Before the bytes: should the file be replaced in between, the version is not that of what is remembered.
  const auto info = driver_.stat(path);
  if (!info && is(info.error(), Code::not_found)) return unknown(digest);
  if (!info) return std::unexpected(info.error());
  if (const auto known = recall(canonical->str()); known && known->version == info->version) {
    if (known->bytes->size() > max_bytes) return fail(Code::size_invalid, path + " is too large");
    return *known->bytes;
  }
  auto bytes = driver_.get_content(path, max_bytes);
  if (!bytes && is(bytes.error(), Code::not_found)) return unknown(digest);
  if (bytes && CanonicalDigest::of_bytes(*bytes) != *canonical)
    return fail(Code::corrupt, "the bytes of blob " + digest.str() + " are not its digest");
  if (bytes && info->version && bytes->size() <= max_remembered_blob)
    remember(canonical->str(), {*info->version, std::make_shared<const std::string>(*bytes)});
  return bytes;
}

bool BlobStore::remembers(const CanonicalDigest& digest) { return recall(digest.str()).has_value(); }

std::optional<BlobStore::Remembered> BlobStore::recall(const std::string& digest) {
  return memory_.with([&](Memory& memory) -> std::optional<Remembered> {
    const Remembered* found = memory.blobs.find(digest);
    return found != nullptr ? std::optional(*found) : std::nullopt;
  });
}

void BlobStore::remember(const std::string& digest, Remembered blob) {
  memory_.with([&](Memory& memory) {
    if (const Remembered* before = memory.blobs.find(digest)) memory.bytes -= before->bytes->size() + entry_bytes;
    memory.bytes += blob.bytes->size() + entry_bytes;
    memory.blobs.put(digest, std::move(blob));
    while (memory.bytes > max_remembered_bytes) memory.bytes -= memory.blobs.take_oldest()->bytes->size() + entry_bytes;
  });
}

Result<bool> BlobStore::has(const Content& content, const std::string& path) {
  if (content.is_in_memory()) { // small enough to compare
    const auto existing = driver_.get_content(path, content.size());
    return existing && *existing == content.bytes();
  }
  const auto existing = driver_.stat(path);
  if (!existing && !is(existing.error(), Code::not_found)) return std::unexpected(existing.error());
  return existing && existing->size == content.size();
}

Result<driver::PutFile> BlobStore::file(Content content, const CanonicalDigest& digest) {
  driver::PutFile file{paths::blob_data(digest), std::nullopt};
  BERTH_TRY(const bool is_there, has(content, file.path));
  if (!is_there) file.content = std::move(content);
  return file;
}

driver::PutFile BlobStore::alias(const Digest& digest, const CanonicalDigest& canonical) {
  return link_file(driver_, paths::blob_alias(digest), canonical);
}

Result<Descriptor> BlobStore::stat_alias(const Digest& digest) {
  if (CanonicalDigest::from(digest)) return stat(digest);
  const auto canonical = read_link(driver_, paths::blob_alias(digest));
  if (canonical) return stat(*canonical);
  if (is(canonical.error(), Code::not_found) || is(canonical.error(), Code::corrupt)) return unknown(digest);
  return std::unexpected(canonical.error());
}

} // namespace berth::storage
