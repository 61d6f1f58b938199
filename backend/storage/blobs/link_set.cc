#include "storage/blobs/link_set.h"

#include "storage/collect/quarantine.h"
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

template <class Look>
auto LinkSet::look_up(const model::Digest& digest, registry::Need need, const Look& look) {
  const std::string link = path_of_(repository_, digest);
  return storage::look_up(*driver_, link, [&] { return paths::parked_link(link); }, need, look);
}

Result<model::CanonicalDigest> LinkSet::resolve(const model::Digest& digest, registry::Need need) {
  BERTH_TRY(auto link, look_up(digest, need, [&](const std::string& path) { return read_link(*driver_, path); }));
  if (digest == link.found) return std::move(link.found);
  BERTH_TRY(const bool linked, has(link.found, need));
  if (!linked) return fail(Code::not_found, "the blob behind " + digest.str() + " is not linked");
  return std::move(link.found);
}

Result<bool> LinkSet::has(const model::Digest& digest, registry::Need need) {
  const auto found = look_up(digest, need, [&](const std::string& path) { return driver_->stat(path); });
  if (!found && !is(found.error(), Code::not_found)) return std::unexpected(found.error());
  return found.has_value();
}

Result<bool> LinkSet::has_in_place(const model::Digest& digest) {
  const auto info = driver_->stat(path_of_(repository_, digest));
  if (!info && !is(info.error(), Code::not_found)) return std::unexpected(info.error());
  return info.has_value();
}

driver::PutFile LinkSet::file(const model::Digest& digest, const model::CanonicalDigest& target) {
  return link_file(*driver_, path_of_(repository_, digest), target);
}

Result<> LinkSet::unlink(const model::Digest& digest) {
  const std::string link = path_of_(repository_, digest), parked = paths::parked_link(link);
  // First: else it could be brought back in between.
  auto aside = driver_->remove(parked, driver::Durability::scratch);
  if (!aside && !is(aside.error(), Code::not_found)) return aside;
  auto removed = driver_->remove(link, driver::Durability::durable);
  if (aside && !removed && is(removed.error(), Code::not_found)) return driver_->settle(paths::directory_of(link));
  return removed;
}

} // namespace berth::storage
