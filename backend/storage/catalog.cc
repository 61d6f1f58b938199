#include "storage/catalog.h"

#include <algorithm>

#include "storage/paths.h"

namespace berth::storage {
namespace {

using Version = std::optional<driver::Version>;

// Walks depth first, siblings in byte order: the same as ordering names with '/' before every other character.
class Walk {
public:
  Walk(ListingCache& directories, Logger& logger, const Version& top, std::optional<std::size_t> limit)
      : directories_(directories), logger_(logger), above_{top}, limit_(limit) {}

  // Visits what comes after `last` among what is below the directory called name ("" for the top).
  Result<> visit_below(const std::string& name, const ListingCache::Names& children, std::string_view last) {
    const std::string_view component = last.substr(0, last.find('/'));
    const std::string_view rest = last.substr(std::min(last.size(), component.size() + 1));
    for (auto child = std::ranges::lower_bound(children, component); child != children.end(); ++child) {
      if (page.more) return {};
      if (child->starts_with('_')) continue; // a repository's own
      const std::string path = name.empty() ? *child : name + "/" + *child;
      // On the way to `last`, or `last` itself: it was on an earlier page.
      BERTH_CHECK(*child == component ? visit(path, rest, Itself::left_out) : visit(path, {}, Itself::listed));
    }
    return {};
  }

  registry::Page page;

private:
  enum class Itself { listed, left_out };

  Result<> visit(const std::string& name, std::string_view last, Itself itself) {
    const auto repository = model::RepositoryName::parse(name);
    if (!repository) return {}; // nothing that a client could name, nor anything below it
    const auto listing = directories_.list(paths::repository(*repository));
    if (!listing && is(listing.error(), Code::not_found)) return {}; // removed meanwhile
    if (!listing && is(listing.error(), Code::not_permitted)) {      // another program's
      logger_.warn("a directory is left out of the catalog", {{"error", listing.error().message}});
      return {};
    }
    BERTH_CHECK(listing);
    const auto& [children, version] = **listing;
    if (version && std::ranges::find(above_, version) != above_.end()) return {}; // a link that leads back up
    if (itself == Itself::listed && std::ranges::binary_search(children, paths::manifests_directory)) {
      if (page.entries.size() == limit_) {
        page.more = true;
        return {};
      }
      page.entries.push_back(name);
    }
    above_.push_back(version);
    const auto visited = visit_below(name, children, last);
    above_.pop_back();
    return visited;
  }

  ListingCache& directories_;
  Logger& logger_;
  std::vector<Version> above_; // of the directories that are being visited
  std::optional<std::size_t> limit_;
};

} // namespace

Result<registry::Page> list_repositories(ListingCache& directories, Logger& logger,
                                         const registry::PageRequest& request) {
  const auto top = directories.list(paths::repositories());
  if (!top && is(top.error(), Code::not_found)) return registry::Page{}; // nothing was ever pushed
  BERTH_CHECK(top);
  Walk walk(directories, logger, (*top)->version, request.limit);
  BERTH_CHECK(walk.visit_below("", (*top)->names, request.last));
  return std::move(walk.page);
}

} // namespace berth::storage
