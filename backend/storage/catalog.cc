#include "storage/catalog.h"

#include "storage/paths.h"

namespace berth::storage {
namespace {

// Walks depth first, siblings in byte order: the same as ordering names with '/' before every other character.
class Walk {
public:
  Walk(driver::StorageDriver& driver, const registry::PageRequest& request) : driver_(driver), request_(request) {}

  // Visits what is below the repository called name ("" for the top).
  Result<> visit(const std::string& name) {
    const auto children = driver_.list(name.empty() ? paths::repositories() : paths::repositories() + "/" + name);
    if (!children && is(children.error(), Code::not_found)) return {}; // a file, or removed meanwhile
    if (!children) return std::unexpected(children.error());
    for (const std::string& child : *children) {
      if (page.more) return {};
      if (child.starts_with('_')) continue; // a repository's own
      BERTH_CHECK(enter(name.empty() ? child : name + "/" + child));
    }
    return {};
  }

  registry::Page page;

private:
  Result<> enter(const std::string& name) {
    const auto repository = model::RepositoryName::parse(name);
    if (!repository) return {}; // nothing that a client could name, nor anything below it
    const bool leads_to_last = request_.last.starts_with(name + "/");
    if (!leads_to_last && name != request_.last && is_before(name, request_.last)) return {};
    if (!leads_to_last && name != request_.last && driver_.stat(paths::manifests(*repository))) {
      if (page.entries.size() == request_.limit) {
        page.more = true;
        return {};
      }
      page.entries.push_back(name);
    }
    return visit(name);
  }

  static bool is_before(std::string_view a, std::string_view b) {
    const auto rank = [](char c) { return c == '/' ? 0 : static_cast<unsigned char>(c); };
    return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(),
                                        [&](char x, char y) { return rank(x) < rank(y); });
  }

  driver::StorageDriver& driver_;
  const registry::PageRequest& request_;
};

} // namespace

Result<registry::Page> list_repositories(driver::StorageDriver& driver, const registry::PageRequest& request) {
  Walk walk(driver, request);
  BERTH_CHECK(walk.visit(""));
  return std::move(walk.page);
}

} // namespace berth::storage
