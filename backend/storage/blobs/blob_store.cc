#include "storage/blobs/blob_store.h"

#include "model/media_types.h"
#include "storage/blobs/link_set.h"
#include "storage/collect/quarantine.h"
#include "storage/paths.h"

namespace berth::storage {
namespace {

std::unexpected<Error> unknown(const Digest& digest) { return fail(Code::blob_unknown, {}, digest.str()); }

} // namespace

// Errors: blob_unknown; those of look.
template <class Look>
auto BlobStore::look_up(const CanonicalDigest& digest, Need need, const Look& look) {
  auto found =
      storage::look_up(driver_, paths::blob_data(digest), [&] { return paths::parked_blob(digest); }, need, look);
  if (!found && is(found.error(), Code::not_found)) found = unknown(digest);
  return found;
}

Result<Readable> BlobStore::look(const Digest& digest, Need need) {
  const auto canonical = CanonicalDigest::from(digest);
  if (!canonical) return unknown(digest);
  BERTH_TRY(const auto file, look_up(*canonical, need, [&](const std::string& path) { return driver_.stat(path); }));
  return Readable{{std::string(model::media::octet_stream), file.found.size, *canonical}, file.parked};
}

Result<Location> BlobStore::locate(const Readable& blob) {
  const CanonicalDigest& digest = blob.descriptor.digest;
  return driver_.locate(blob.parked ? paths::parked_blob(digest) : paths::blob_data(digest));
}

Result<Content> BlobStore::open(const CanonicalDigest& digest) {
  BERTH_TRY(auto content, look_up(digest, Need::to_read, [&](const std::string& path) { return driver_.open(path); }));
  return std::move(content.found);
}

Result<std::optional<std::uint64_t>> BlobStore::size_in_place(const CanonicalDigest& digest) {
  const auto info = driver_.stat(paths::blob_data(digest));
  if (!info && is(info.error(), Code::not_found)) return std::optional<std::uint64_t>();
  BERTH_CHECK(info);
  return std::optional(info->size);
}

Result<std::string> BlobStore::get(const Digest& digest, std::size_t max_bytes, Need need) {
  const auto canonical = CanonicalDigest::from(digest);
  if (!canonical) return unknown(digest);
  // Before the bytes: should the file be replaced in between, the version is not that of what is remembered.
  BERTH_TRY(const auto file, look_up(*canonical, need, [&](const std::string& path) { return driver_.stat(path); }));
  const std::string path = file.parked ? paths::parked_blob(*canonical) : paths::blob_data(*canonical);
  const driver::FileInfo* info = &file.found;
  if (const auto known = memory_.find(canonical->str()); known && known->version == info->version) {
    if (known->bytes->size() > max_bytes) return fail(Code::size_invalid, path + " is too large");
    return *known->bytes;
  }
  auto bytes = driver_.get_content(path, max_bytes);
  if (!bytes && is(bytes.error(), Code::not_found)) {
    const auto read = [&](const std::string& one) { return driver_.get_content(one, max_bytes); };
    BERTH_TRY(auto moved, look_up(*canonical, need, read)); // parked, or brought back, since
    bytes = std::move(moved.found);
  }
  if (bytes && CanonicalDigest::of_bytes(*bytes) != *canonical)
    return fail(Code::corrupt, "the bytes of blob " + digest.str() + " are not its digest");
  if (bytes && info->version && bytes->size() <= max_remembered_blob)
    memory_.put(canonical->str(), {*info->version, std::make_shared<const std::string>(*bytes)}, bytes->size());
  return bytes;
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
