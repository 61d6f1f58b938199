#include "storage/manifests/referrer_store.h"

#include <algorithm>

#include "model/digester.h"
#include "storage/paths.h"

namespace berth::storage {
namespace {

// The bytes that an entry adds to a page, without its texts.
constexpr std::size_t entry_bytes = 256;

// The names in a directory; none if it is not there.
Result<std::vector<std::string>> names_or_none(driver::StorageDriver& driver, const std::string& directory) {
  auto names = driver::names_in(driver, directory);
  if (!names && is(names.error(), Code::not_found)) return std::vector<std::string>();
  return names;
}

bool answers(const ReferrerCache::Entry& entry, const registry::ReferrersRequest& request) {
  return entry && entry->subject == request.subject &&
         (request.artifact_type.empty() || entry->artifact_type == request.artifact_type);
}

bool is_gone(const Error& error) { return is(error, Code::blob_unknown) || is(error, Code::manifest_unknown); }

} // namespace

void ReferrerCache::remember(const CanonicalDigest& digest, const Entry& entry) {
  const std::size_t bytes =
      entry ? entry->subject.str().size() + entry->artifact_type.size() + entry->annotations.size() : 0;
  if (bytes <= max_entry_bytes) known_.put(digest.str(), entry, bytes);
}

Result<std::vector<std::string>> ReferrerStore::linked(const Digest& subject) {
  const std::string directory = paths::referrers(repository_, subject);
  std::vector<std::string> digests;
  BERTH_TRY(const auto algorithms, names_or_none(parts_.driver, directory));
  for (const std::string& algorithm : algorithms) {
    BERTH_TRY(const auto hashes, names_or_none(parts_.driver, directory + "/" + algorithm));
    for (const std::string& hash : hashes) digests.push_back(algorithm + ":" + hash);
  }
  return digests;
}

Result<std::vector<std::string>> ReferrerStore::tagged(const Digest& subject) {
  std::vector<std::string> digests;
  const auto list = parts_.tags.get(model::referrers_tag(subject));
  if (!list && is_gone(list.error())) return digests;
  if (!list) return std::unexpected(list.error());
  const auto bytes = parts_.revisions.get(*list, model::max_manifest_bytes);
  if (!bytes && is_gone(bytes.error())) return digests;
  if (!bytes) return std::unexpected(bytes.error());
  const auto info = model::detect_manifest(*bytes);
  if (!info || !model::is_index(info->kind)) return digests; // a client's tag that only looks like one
  for (const model::ContentReference& child : info->contents) digests.push_back(child.digest.str());
  return digests;
}

Result<ReferrerCache::Entry> ReferrerStore::read(const Digest& digest, Need need) {
  const auto found = parts_.revisions.look(digest, need);
  if (!found && is_gone(found.error())) return ReferrerCache::Entry();
  if (!found) return std::unexpected(found.error());
  const CanonicalDigest& canonical = found->descriptor.digest;
  if (auto known = parts_.cache.find(canonical)) return *std::move(known);
  const auto bytes = parts_.revisions.get(digest, model::max_manifest_bytes);
  if (!bytes && (is_gone(bytes.error()) || is(bytes.error(), Code::corrupt))) return ReferrerCache::Entry();
  if (!bytes) return std::unexpected(bytes.error());
  auto entry = model::read_referrer(*bytes).value_or(std::nullopt); // a kind berth does not know refers to nothing
  parts_.cache.remember(canonical, entry);
  return entry;
}

Result<registry::ReferrersPage> ReferrerStore::list(const registry::ReferrersRequest& request) {
  BERTH_TRY(std::vector<std::string> digests, linked(request.subject));
  BERTH_TRY(const std::vector<std::string> in_tag, tagged(request.subject));
  digests.insert(digests.end(), in_tag.begin(), in_tag.end());
  std::ranges::sort(digests);
  digests.erase(std::ranges::unique(digests).begin(), digests.end());

  registry::ReferrersPage page;
  page.last = request.last;
  std::size_t looked_at = 0, bytes = 0;
  for (auto next = std::ranges::upper_bound(digests, request.last); next != digests.end(); ++next) {
    if (page.entries.size() >= request.limit || looked_at++ >= max_looked_at || bytes >= max_page_bytes) {
      page.more = true;
      break;
    }
    page.last = *next;
    const auto digest = Digest::parse(*next);
    if (!digest) continue; // rubbish in the directory
    // The bytes under a digest cannot change: an entry that is listed is only checked for whether it still exists.
    if (const auto canonical = CanonicalDigest::from(*digest)) {
      if (const auto known = parts_.cache.find(*canonical); known && !answers(*known, request)) continue;
    }
    BERTH_TRY(auto entry, read(*digest, Need::to_read));
    if (!answers(entry, request)) continue;
    bytes += entry_bytes + entry->artifact_type.size() + entry->annotations.size();
    page.entries.push_back({*digest, *std::move(entry)});
  }
  return page;
}

Result<std::unique_ptr<driver::Lock>> ReferrerStore::exclude_removal(const CanonicalDigest& digest) {
  return parts_.locks.shared(paths::manifest_lock(repository_, digest));
}

driver::PutFile ReferrerStore::file(const Digest& subject, const Digest& referrer, const CanonicalDigest& canonical) {
  return LinkSet::referrers(parts_.driver, repository_, subject).file(referrer, canonical);
}

Result<> ReferrerStore::remove(std::string_view manifest_bytes) {
  const auto info = model::detect_manifest(manifest_bytes);
  if (!info || !info->subject) return {};
  for (const model::Algorithm algorithm : model::computed_algorithms) {
    const Digest digest = model::digest_of(algorithm, manifest_bytes);
    const auto removed = parts_.driver.remove(paths::referrer(repository_, *info->subject, digest),
                                              driver::Durability::scratch); // what comes back is not listed
    if (!removed && !is(removed.error(), Code::not_found)) return removed;
  }
  return {};
}

Result<bool> ReferrerStore::restore(const CanonicalDigest& digest) {
  BERTH_TRY(const auto entry, read(digest, Need::to_keep));
  if (!entry) return false;
  std::vector<driver::PutFile> files;
  files.push_back(file(entry->subject, digest, digest));
  BERTH_CHECK(parts_.driver.put(std::move(files)));
  return true;
}

Result<std::size_t> ReferrerStore::index() {
  std::size_t count = 0;
  BERTH_TRY(const auto hashes, names_or_none(parts_.driver, paths::revisions(repository_)));
  for (const std::string& hash : hashes) {
    const auto digest = CanonicalDigest::parse("sha256:" + hash);
    if (!digest) continue;
    BERTH_TRY(const auto entry, read(*digest, Need::to_read)); // most have no subject: without the lock
    if (!entry) continue;
    BERTH_TRY(const auto lock, exclude_removal(*digest));
    BERTH_TRY(const bool entered, restore(*digest));
    count += entered ? 1 : 0;
  }
  return count;
}

} // namespace berth::storage
