#include "storage/catalog.h"

#include <algorithm>

#include "storage/paths.h"

namespace berth::storage {
namespace {

// Walks depth first, siblings in byte order: the same as ordering names with '/' before every other character.
class Walk {
public:
  Walk(ListingCache& directories, std::optional<std::size_t> limit) : directories_(directories), limit_(limit) {}

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
    const auto children = directories_.list(paths::repository(*repository));
    if (!children && is(children.error(), Code::not_found)) return {}; // a file, or removed meanwhile
    if (!children) return std::unexpected(children.error());
    if (itself == Itself::listed && std::ranges::binary_search(**children, paths::manifests_directory)) {
      if (page.entries.size() == limit_) {
        page.more = true;
        return {};
      }
      page.entries.push_back(name);
    }
    return visit_below(name, **children, last);
  }

  ListingCache& directories_;
  std::optional<std::size_t> limit_;
};

} // namespace

Result<registry::Page> list_repositories(ListingCache& directories, const registry::PageRequest& request) {
  Walk walk(directories, request.limit);
  const auto top = directories.list(paths::repositories());
  if (!top && is(top.error(), Code::not_found)) return registry::Page{}; // nothing was ever pushed
  if (!top) return std::unexpected(top.error());
  BERTH_CHECK(walk.visit_below("", **top, request.last));
  return std::move(walk.page);
}

} // namespace berth::storage
