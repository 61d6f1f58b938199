#include "storage/collect/stored.h"

#include <unistd.h>

#include "model/manifest.h"
#include "storage/blobs/link_set.h"
#include "storage/collect/references.h"
#include "storage/paths.h"

namespace berth::storage {
namespace {

// Whether content may be a JSON document, which a layer, compressed or not, is not.
bool begins_as_document(const Content& content) {
  char first = 0;
  if (content.is_file()) return ::pread(content.fd(), &first, 1, 0) == 1 && first == '{';
  const auto look_at_first = [&](std::span<const std::byte> piece) -> Result<> {
    if (!piece.empty()) first = static_cast<char>(piece.front());
    return fail(Code::exists); // enough was read
  };
  static_cast<void>(content.read(look_at_first));
  return first == '{';
}

// True for what cannot be read as well: it is there, whatever it is.
bool is_there(const Error& error) { return !is(error, Code::not_found); }

} // namespace

std::optional<StoredLink> stored_link(driver::StorageDriver& driver, const std::string& directory, Look look) {
  StoredLink found;
  std::string path = paths::link_in(directory);
  if (look == Look::at_its_age) {
    const auto info = driver.stat(path);
    if (info) found.changed = info->changed;
    if (info || is_there(info.error())) return found;
  } else {
    const auto target = read_link(driver, path);
    if (target) found.target = *target;
    if (target || is_there(target.error())) return found;
  }
  path = paths::parked_link(path);
  const auto info = driver.stat(path);
  if (!info && !is_there(info.error())) return std::nullopt;
  found.parked = true;
  if (info) found.changed = info->changed;
  if (look == Look::at_its_target)
    if (const auto target = read_link(driver, path)) found.target = *target;
  return found;
}

std::optional<model::CanonicalDigest> canonical_of(driver::StorageDriver& driver, const model::RepositoryName& name,
                                                   const model::Digest& digest) {
  if (const auto canonical = model::CanonicalDigest::from(digest)) return *canonical;
  for (const std::string& link : {paths::layer_link(name, digest), paths::revision_link(name, digest)}) {
    const auto found = stored_link(driver, paths::directory_of(link), Look::at_its_target);
    if (found && found->target) return found->target;
  }
  return std::nullopt;
}

Result<std::string> manifest_bytes(driver::StorageDriver& driver, const model::CanonicalDigest& digest) {
  return look_at_blob(driver, digest,
                      [&](const std::string& path) { return driver.get_content(path, model::max_manifest_bytes); });
}

bool is_misplaced_manifest(driver::StorageDriver& driver, const model::CanonicalDigest& digest) {
  const auto content = look_at_blob(driver, digest, [&](const std::string& path) { return driver.open(path); });
  if (!content || content->size() > model::max_manifest_bytes || !begins_as_document(*content)) return false;
  const auto bytes = manifest_bytes(driver, digest);
  const auto references = bytes ? references_of(digest, *bytes) : std::unexpected(bytes.error());
  return references && references->is_schema1;
}

} // namespace berth::storage
