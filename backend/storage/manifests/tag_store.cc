#include "storage/manifests/tag_store.h"

#include <algorithm>

#include "storage/blobs/link_set.h"
#include "storage/paths.h"

namespace berth::storage {
namespace {

constexpr std::size_t max_alias_bytes = 256;
constexpr std::size_t max_notice_bytes = 64;

std::unexpected<Error> unknown(const model::Tag& tag) {
  return fail(Code::manifest_unknown, {}, "unknown tag=" + tag.str());
}

std::string key_of(const std::string& tag_path, const model::CanonicalDigest& target) {
  return tag_path + "@" + target.str();
}

} // namespace

std::optional<model::Digest> ClientDigests::find(const std::string& tag_path, const model::CanonicalDigest& target) {
  return known_.find(key_of(tag_path, target));
}

void ClientDigests::remember(const std::string& tag_path, const model::CanonicalDigest& target,
                             const model::Digest& client_digest) {
  known_.put(key_of(tag_path, target), client_digest, client_digest.str().size());
}

Result<model::CanonicalDigest> TagStore::get(const model::Tag& tag) {
  auto digest = read_link(parts_.driver, paths::tag_current_link(repository_, tag));
  if (digest) return digest;
  if (is(digest.error(), Code::corrupt))
    parts_.logger.warn(digest.error().message); // pushing the tag again mends it
  else if (!is(digest.error(), Code::not_found))
    return digest;
  return unknown(tag);
}

Result<> TagStore::tag(const model::Tag& tag, const model::CanonicalDigest& digest, const model::Digest& client_digest,
                       registry::IfTagged if_tagged) {
  BERTH_CHECK(parts_.guard.keep());
  BERTH_TRY(const auto no_removal, parts_.locks.shared(paths::manifest_lock(repository_, digest)));
  BERTH_TRY(const auto lock, parts_.locks.exclusive(paths::tag_lock(repository_, tag)));
  if (if_tagged == registry::IfTagged::refuse) {
    const auto target = get(tag);
    if (!target && !is(target.error(), Code::manifest_unknown)) return std::unexpected(target.error());
    if (target && *target != digest) return fail(Code::exists, tag.str());
  }
  BERTH_CHECK(check_mutable(tag, &digest));
  // Again, as a delete may have taken it since the manifest was put: the tag that is acknowledged now leads to it.
  std::vector<driver::PutFile> files;
  files.push_back(link_file(parts_.driver, paths::revision_link(repository_, digest), digest));
  const bool restores = files.front().content.has_value();
  files.push_back(link_file(parts_.driver, paths::tag_index_link(repository_, tag, digest), digest));
  if (client_digest != digest) files.push_back({paths::tag_alias(repository_, tag), Content::of(client_digest.str())});
  // Also if it says so already: its time is when the tag was pushed last.
  files.push_back({paths::tag_current_link(repository_, tag), Content::of(digest.str())});
  const auto put = parts_.driver.put(std::move(files));
  // Also if it failed: the tag may be there. Who removes the manifest looks for tags once more.
  auto told = parts_.driver.remove(paths::removal(repository_, digest), driver::Durability::scratch);
  BERTH_CHECK(put);
  if (!told && !is(told.error(), Code::not_found)) return told;
  if (restores && restore_) BERTH_CHECK(restore_(digest));
  if (client_digest != digest) parts_.client_digests.remember(paths::tag(repository_, tag), digest, client_digest);
  return {};
}

model::Digest TagStore::client_digest(const model::Tag& tag, const model::CanonicalDigest& target) {
  const std::string path = paths::tag(repository_, tag);
  if (const auto known = parts_.client_digests.find(path, target)) return *known;
  model::Digest client_digest = target;
  // The alias may be that of an older target: then it leads elsewhere, or nowhere.
  if (const auto text = parts_.driver.get_content(paths::tag_alias(repository_, tag), max_alias_bytes))
    if (const auto alias = model::Digest::parse(*text)) {
      const auto leads_to = LinkSet::manifests(parts_.driver, repository_).resolve(*alias, registry::Need::to_read);
      if (leads_to && *leads_to == target) client_digest = *alias;
    }
  parts_.client_digests.remember(path, target, client_digest);
  return client_digest;
}

Result<> TagStore::untag(const model::Tag& tag) {
  BERTH_CHECK(remove(tag));
  return parts_.driver.settle(paths::tags(repository_));
}

Result<> TagStore::untag(const std::vector<model::Tag>& tags) {
  for (const model::Tag& tag : tags) {
    const auto removed = remove(tag);
    if (!removed && !is(removed.error(), Code::manifest_unknown)) return removed;
  }
  return parts_.driver.settle(paths::tags(repository_));
}

Result<> TagStore::check_mutable(const model::Tag& tag, const model::CanonicalDigest* may_be) {
  if (!parts_.immutable.has(repository_, tag)) return {};
  const auto target = get(tag);
  if (!target && is(target.error(), Code::manifest_unknown)) return {}; // not there yet, or damaged: a push mends it
  BERTH_CHECK(target);
  if (may_be != nullptr && *target == *may_be) return {};
  return fail(Code::immutable,
              "tag " + tag.str() + " of " + repository_.str() + " is immutable: it is " + target->str());
}

Result<> TagStore::check_all_mutable(const model::CanonicalDigest* target) {
  if (!parts_.immutable.has_some(repository_)) return {};
  const auto all = entries();
  if (!all && is(all.error(), Code::name_unknown)) return {};
  BERTH_CHECK(all);
  for (const std::string& name : (*all)->names) {
    const auto tag = model::Tag::parse(name);
    if (!tag || !parts_.immutable.has(repository_, *tag)) continue;
    if (target != nullptr)
      if (const auto points_to = get(*tag); !points_to || *points_to != *target) continue;
    BERTH_CHECK(check_mutable(*tag, nullptr));
  }
  return {};
}

Result<> TagStore::check_none_immutable() { return check_all_mutable(nullptr); }

// Not durable until the directory of tags is settled.
Result<> TagStore::remove(const model::Tag& tag) {
  BERTH_TRY(const auto lock, parts_.locks.exclusive(paths::tag_lock(repository_, tag)));
  BERTH_CHECK(check_mutable(tag, nullptr));
  auto removed = parts_.driver.discard(paths::tag(repository_, tag));
  if (!removed && is(removed.error(), Code::not_found)) return unknown(tag);
  return removed;
}

// The directories among the tags, in byte order; not all need be tags.
Result<std::shared_ptr<const ListingCache::Listing>> TagStore::entries() {
  auto names = parts_.directories.list(paths::tags(repository_));
  if (!names && is(names.error(), Code::not_found)) {
    // A repository without tags is one all the same (manifests pushed by digest).
    if (const auto manifests = parts_.driver.stat(paths::manifests(repository_)); manifests && manifests->is_directory)
      return std::make_shared<const ListingCache::Listing>();
    return fail(Code::name_unknown, {}, repository_.str());
  }
  return names;
}

Result<registry::Page> TagStore::list(const registry::PageRequest& request) {
  BERTH_TRY(const auto listing, entries());
  const ListingCache::Names& all = listing->names;
  registry::Page page;
  auto name = request.last.empty() ? all.begin() : std::ranges::upper_bound(all, request.last);
  const auto rest = static_cast<std::size_t>(all.end() - name);
  page.entries.reserve(std::min(rest, request.limit.value_or(rest)));
  for (; name != all.end() && !page.more; ++name) {
    if (!model::Tag::is_valid(*name)) continue;
    if (page.entries.size() == request.limit)
      page.more = true;
    else
      page.entries.push_back(*name);
  }
  return page;
}

// Other clients can tag meanwhile. Durable, also for tags that another deletion of the same manifest has removed.
Result<> TagStore::remove_tags_of(const model::CanonicalDigest& digest, std::vector<model::Tag>& removed) {
  const auto all = entries();
  if (!all && is(all.error(), Code::name_unknown)) return {};
  BERTH_CHECK(all);
  for (const std::string& name : (*all)->names) {
    auto tag = model::Tag::parse(name);
    if (!tag) continue;
    const auto points_there = [&]() -> Result<bool> {
      const auto target = get(*tag);
      if (!target && !is(target.error(), Code::manifest_unknown)) return std::unexpected(target.error());
      return target && *target == digest;
    };
    BERTH_TRY(const bool found, points_there());
    if (!found) continue;
    BERTH_TRY(const auto lock, parts_.locks.exclusive(paths::tag_lock(repository_, *tag)));
    BERTH_TRY(const bool still, points_there()); // it may have moved on
    if (!still) continue;
    BERTH_CHECK(check_mutable(*tag, nullptr)); // made since check_all_mutable
    const auto gone = parts_.driver.discard(paths::tag(repository_, *tag));
    if (!gone && is(gone.error(), Code::not_found)) continue; // docker-registry takes no locks
    BERTH_CHECK(gone);
    removed.push_back(*std::move(tag));
  }
  return parts_.driver.settle(paths::tags(repository_));
}

Result<std::vector<model::Tag>> TagStore::untag_all(const model::CanonicalDigest& digest,
                                                    const std::function<Result<>()>& remove_revision) {
  BERTH_CHECK(check_all_mutable(&digest));
  // A writer that tags the manifest from now on removes the notice; a concurrent deletion replaces it.
  const std::string notice = paths::removal(repository_, digest), ours = uuid4(parts_.random);
  BERTH_CHECK(parts_.driver.put_scratch(notice, ours));
  std::vector<model::Tag> removed;
  BERTH_CHECK(remove_tags_of(digest, removed));
  BERTH_TRY(const auto lock, parts_.locks.exclusive(paths::manifest_lock(repository_, digest)));
  const auto found = parts_.driver.get_content(notice, max_notice_bytes);
  if (!found || *found != ours) BERTH_CHECK(remove_tags_of(digest, removed));
  BERTH_CHECK(remove_revision());
  if (found && *found == ours) static_cast<void>(parts_.driver.remove(notice, driver::Durability::scratch));
  return removed;
}

} // namespace berth::storage
