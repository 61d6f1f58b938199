#include "storage/tag_store.h"

#include <algorithm>

#include "storage/link_set.h"
#include "storage/paths.h"

namespace berth::storage {
namespace {

constexpr std::size_t max_alias_bytes = 256;

std::unexpected<Error> unknown(const model::Tag& tag) {
  return fail(Code::manifest_unknown, {}, "unknown tag=" + tag.str());
}

std::string key_of(const std::string& tag_path, const model::CanonicalDigest& target) {
  return tag_path + "@" + target.str();
}

} // namespace

std::optional<model::Digest> SpokenDigests::find(const std::string& tag_path, const model::CanonicalDigest& target) {
  return spoken_.with([&](auto& spoken) -> std::optional<model::Digest> {
    const model::Digest* found = spoken.find(key_of(tag_path, target));
    return found != nullptr ? std::optional(*found) : std::nullopt;
  });
}

void SpokenDigests::remember(const std::string& tag_path, const model::CanonicalDigest& target,
                             const model::Digest& spoken) {
  spoken_.with([&](auto& all) { all.put(key_of(tag_path, target), spoken); });
}

Result<model::CanonicalDigest> TagStore::get(const model::Tag& tag) {
  auto digest = read_link(driver_, paths::tag_current_link(repository_, tag));
  if (digest) return digest;
  if (is(digest.error(), Code::corrupt))
    logger_.warn(digest.error().message); // pushing the tag again mends it
  else if (!is(digest.error(), Code::not_found))
    return digest;
  return unknown(tag);
}

Result<> TagStore::tag(const model::Tag& tag, const model::CanonicalDigest& digest, const model::Digest& spoken) {
  BERTH_TRY(const auto lock, driver_.exclude(paths::tag_lock(repository_)));
  // Again, as a delete may have taken it since the manifest was put: the tag that is acknowledged now leads to it.
  std::vector<driver::PutFile> files;
  files.push_back(link_file(driver_, paths::revision_link(repository_, digest), digest));
  const bool restores = files.front().content.has_value();
  files.push_back(link_file(driver_, paths::tag_index_link(repository_, tag, digest), digest));
  if (spoken != digest) files.push_back({paths::tag_alias(repository_, tag), Content::of(spoken.str())});
  files.push_back(link_file(driver_, paths::tag_current_link(repository_, tag), digest));
  BERTH_CHECK(driver_.put(std::move(files)));
  if (restores && restore_) BERTH_CHECK(restore_(digest));
  if (spoken != digest) spoken_.remember(paths::tag(repository_, tag), digest, spoken);
  return {};
}

model::Digest TagStore::spoken(const model::Tag& tag, const model::CanonicalDigest& target) {
  const std::string path = paths::tag(repository_, tag);
  if (const auto known = spoken_.find(path, target)) return *known;
  model::Digest spoken = target;
  // The alias may be that of an older target: then it leads elsewhere, or nowhere.
  if (const auto text = driver_.get_content(paths::tag_alias(repository_, tag), max_alias_bytes))
    if (const auto alias = model::Digest::parse(*text)) {
      const auto leads_to = LinkSet::manifests(driver_, repository_).resolve(*alias);
      if (leads_to && *leads_to == target) spoken = *alias;
    }
  spoken_.remember(path, target, spoken);
  return spoken;
}

Result<> TagStore::untag(const model::Tag& tag) {
  BERTH_TRY(const auto lock, driver_.exclude(paths::tag_lock(repository_)));
  return remove(tag);
}

Result<> TagStore::remove(const model::Tag& tag) {
  const auto removed = driver_.remove(paths::tag(repository_, tag), driver::Durability::durable);
  if (!removed && is(removed.error(), Code::not_found)) return unknown(tag);
  return removed;
}

// The entries of the tags directory, in byte order; not all need be tags.
Result<std::shared_ptr<const ListingCache::Names>> TagStore::entries() {
  auto names = directories_.list(paths::tags(repository_));
  if (!names && is(names.error(), Code::not_found)) {
    // A repository without tags is one all the same (manifests pushed by digest).
    if (const auto manifests = driver_.stat(paths::manifests(repository_)); manifests && manifests->is_directory)
      return std::make_shared<const ListingCache::Names>();
    return fail(Code::name_unknown, {}, repository_.str());
  }
  return names;
}

Result<registry::Page> TagStore::list(const registry::PageRequest& request) {
  BERTH_TRY(const auto all, entries());
  registry::Page page;
  auto name = request.last.empty() ? all->begin() : std::ranges::upper_bound(*all, request.last);
  const auto rest = static_cast<std::size_t>(all->end() - name);
  page.entries.reserve(std::min(rest, request.limit.value_or(rest)));
  for (; name != all->end() && !page.more; ++name) {
    if (!model::Tag::is_valid(*name)) continue;
    if (page.entries.size() == request.limit)
      page.more = true;
    else
      page.entries.push_back(*name);
  }
  return page;
}

Result<std::vector<model::Tag>> TagStore::untag_all(const model::CanonicalDigest& digest,
                                                    const std::function<Result<>()>& remove_revision) {
  BERTH_TRY(const auto lock, driver_.exclude(paths::tag_lock(repository_)));
  const auto all = entries();
  std::vector<model::Tag> removed;
  if (!all && is(all.error(), Code::name_unknown)) {
    BERTH_CHECK(remove_revision());
    return removed;
  }
  if (!all) return std::unexpected(all.error());
  for (const std::string& name : **all) {
    const auto tag = model::Tag::parse(name);
    if (!tag) continue;
    const auto target = get(*tag);
    if (!target && !is(target.error(), Code::manifest_unknown)) return std::unexpected(target.error());
    if (!target || *target != digest) continue;
    BERTH_CHECK(remove(*tag));
    removed.push_back(*tag);
  }
  BERTH_CHECK(remove_revision());
  return removed;
}

} // namespace berth::storage
