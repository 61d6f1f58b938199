#include "storage/blobs/link_set.h"

#include "storage/paths.h"

namespace berth::storage {
namespace {

// A link holds one digest; a longer file is not a link.
constexpr std::size_t max_link_bytes = 256;

} // namespace

Result<model::CanonicalDigest> read_link(driver::StorageDriver& driver, const std::string& path) {
  auto text = driver.get_content(path, max_link_bytes);
  if (!text && is(text.error(), Code::size_invalid)) return fail(Code::corrupt, "link " + path + " is too long");
  if (!text) return std::unexpected(std::move(text).error());
  auto digest = model::CanonicalDigest::parse(*text);
  if (!digest) return fail(Code::corrupt, "link " + path + " holds no sha256 digest");
  return digest;
}

driver::PutFile link_file(driver::StorageDriver& driver, const std::string& path,
                          const model::CanonicalDigest& target) {
  if (const auto existing = read_link(driver, path); existing && *existing == target) return {path, std::nullopt};
  return {path, Content::of(target.str())};
}

LinkSet LinkSet::layers(driver::StorageDriver& driver, const model::RepositoryName& repository) {
  return LinkSet(driver, repository, paths::layer_link);
}

LinkSet LinkSet::manifests(driver::StorageDriver& driver, const model::RepositoryName& repository) {
  return LinkSet(driver, repository, paths::revision_link);
}

LinkSet LinkSet::referrers(driver::StorageDriver& driver, const model::RepositoryName& repository,
                           const model::Digest& subject) {
  return LinkSet(driver, repository, [subject](const auto& name, const model::Digest& digest) {
    return paths::referrer(name, subject, digest) + "/link";
  });
}

LinkSet LinkSet::signatures(driver::StorageDriver& driver, const model::RepositoryName& repository,
                            const model::CanonicalDigest& manifest) {
  return LinkSet(driver, repository, [manifest](const model::RepositoryName& name, const model::Digest& signature) {
    return paths::signature_link(name, manifest, signature);
  });
}

Result<model::CanonicalDigest> LinkSet::resolve(const model::Digest& digest) {
  BERTH_TRY(auto target, read_link(*driver_, path_of_(repository_, digest)));
  if (digest == target) return target;
  BERTH_TRY(const bool linked, has(target));
  if (!linked) return fail(Code::not_found, "the blob behind " + digest.str() + " is not linked");
  return target;
}

Result<bool> LinkSet::has(const model::Digest& digest) {
  const auto info = driver_->stat(path_of_(repository_, digest));
  if (!info && !is(info.error(), Code::not_found)) return std::unexpected(info.error());
  return info.has_value();
}

driver::PutFile LinkSet::file(const model::Digest& digest, const model::CanonicalDigest& target) {
  return link_file(*driver_, path_of_(repository_, digest), target);
}

Result<> LinkSet::unlink(const model::Digest& digest) {
  return driver_->remove(path_of_(repository_, digest), driver::Durability::durable);
}

} // namespace berth::storage
