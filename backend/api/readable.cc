#include "api/readable.h"

namespace berth::api {
namespace {

constexpr std::size_t names_at_once = 1000;

} // namespace

Result<registry::Page> readable_repositories(registry::Registry& registry, const registry::MayRead& may_read,
                                             const registry::PageRequest& request) {
  if (may_read == nullptr) return registry.repositories(request);
  registry::Page shown;
  registry::PageRequest next{request.last, names_at_once};
  for (std::size_t looked_at = 0; looked_at < max_names_in_all;) {
    BERTH_TRY(registry::Page page, registry.repositories(next));
    for (std::string& name : page.entries) {
      BERTH_TRY(const auto repository, model::RepositoryName::parse(name));
      BERTH_TRY(const bool readable, may_read(repository));
      if (!readable) continue;
      shown.more = shown.entries.size() == request.limit;
      if (shown.more) return shown;
      shown.entries.push_back(name);
    }
    if (!page.more || page.entries.empty()) return shown;
    looked_at += page.entries.size();
    next.last = std::move(page.entries.back());
    shown.more = looked_at >= max_names_a_page && !shown.entries.empty();
    if (shown.more) return shown;
  }
  return shown;
}

} // namespace berth::api
