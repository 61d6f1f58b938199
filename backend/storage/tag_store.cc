#include "storage/tag_store.h"

#include <algorithm>

#include "storage/link_set.h"
#include "storage/paths.h"

namespace berth::storage {
namespace {

std::unexpected<Error> unknown(const model::Tag& tag) {
  return fail(Code::manifest_unknown, {}, "unknown tag=" + tag.str());
}

} // namespace

Result<model::CanonicalDigest> TagStore::get(const model::Tag& tag) {
  auto digest = read_link(driver_, paths::tag_current_link(repository_, tag));
  if (digest) return digest;
  if (is(digest.error(), Code::corrupt))
    logger_.warn(digest.error().message); // pushing the tag again mends it
  else if (!is(digest.error(), Code::not_found))
    return digest;
  return unknown(tag);
}

Result<> TagStore::tag(const model::Tag& tag, const model::CanonicalDigest& digest) {
  BERTH_TRY(const auto lock, driver_.exclude(paths::tag_lock(repository_)));
  // Again, as a delete may have taken it since the manifest was put: the tag that is acknowledged now leads to it.
  std::vector<driver::PutFile> links;
  for (const std::string& path :
       {paths::revision_link(repository_, digest), paths::tag_index_link(repository_, tag, digest),
        paths::tag_current_link(repository_, tag)})
    links.push_back(link_file(driver_, path, digest));
  return driver_.put(std::move(links));
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

// Every entry of the tags directory whose name is a tag, in byte order.
Result<std::vector<std::string>> TagStore::names() {
  auto names = driver_.list(paths::tags(repository_));
  if (!names && is(names.error(), Code::not_found)) {
    // A repository without tags is one all the same (manifests pushed by digest).
    if (const auto manifests = driver_.stat(paths::manifests(repository_)); manifests && manifests->is_directory)
      return std::vector<std::string>();
    return fail(Code::name_unknown, {}, repository_.str());
  }
  if (!names) return names;
  std::erase_if(*names, [](const std::string& name) { return !model::Tag::parse(name); });
  return names;
}

Result<registry::Page> TagStore::list(const registry::PageRequest& request) {
  BERTH_TRY(const std::vector<std::string> all, names());
  const auto first = request.last.empty() ? all.begin() : std::ranges::upper_bound(all, request.last);
  const auto available = static_cast<std::size_t>(all.end() - first);
  const std::size_t count = std::min(available, request.limit.value_or(available));
  return registry::Page{{first, first + static_cast<std::ptrdiff_t>(count)}, count < available};
}

Result<std::vector<model::Tag>> TagStore::untag_all(const model::CanonicalDigest& digest,
                                                    const std::function<Result<>()>& remove_revision) {
  BERTH_TRY(const auto lock, driver_.exclude(paths::tag_lock(repository_)));
  const auto all = names();
  if (!all && !is(all.error(), Code::name_unknown)) return std::unexpected(all.error());
  std::vector<model::Tag> removed;
  for (const std::string& name : all.value_or(std::vector<std::string>())) {
    BERTH_TRY(const model::Tag tag, model::Tag::parse(name));
    const auto target = get(tag);
    if (!target && !is(target.error(), Code::manifest_unknown)) return std::unexpected(target.error());
    if (!target || *target != digest) continue;
    BERTH_CHECK(remove(tag));
    removed.push_back(tag);
  }
  BERTH_CHECK(remove_revision());
  return removed;
}

} // namespace berth::storage
