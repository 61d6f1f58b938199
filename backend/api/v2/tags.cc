// GET /v2/<name>/tags/list: the tags of a repository, all of them or a page at a time.
#include <algorithm>

#include "api/v2/endpoints.h"

namespace berth::api::v2 {

Outcome list_tags(Call& call) {
  BERTH_TRY(auto limit, parse_page_size(call.query));
  if (limit) *limit = std::min(*limit, call.services.options.tags_max);
  BERTH_TRY(const registry::Page page, call.repository->tags().list({std::string(call.query.get("last")), limit}));

  const std::string& name = call.repository->name().str();
  auto response = json_response("{\"name\":\"" + name + "\",\"tags\":" + json_array_of(page.entries) + "}\n");
  if (limit && page.more && !page.entries.empty()) {
    const std::string url = call.locations.relative(path_in(*call.repository, "tags/list"));
    response.headers.add("Link", next_page_link(url, page, *limit));
  }
  return response;
}

} // namespace berth::api::v2
