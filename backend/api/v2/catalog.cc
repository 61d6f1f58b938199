// GET /v2/_catalog: the names of the repositories that the caller may read, a page at a time.
#include <algorithm>

#include "api/readable.h"
#include "api/v2/endpoints.h"

namespace berth::api::v2 {
namespace {

constexpr std::size_t default_page = 100;

} // namespace

Outcome list_repositories(Call& call) {
  BERTH_TRY(const auto asked, parse_page_size(call.query));
  if (asked && *asked > call.services.options.catalog_max_entries)
    return fail(Code::pagination_number_invalid, {}, "n=" + std::to_string(*asked));
  const std::size_t limit = asked.value_or(std::min(default_page, call.services.options.catalog_max_entries));

  registry::Page page;
  if (limit > 0) {
    BERTH_TRY(page, readable_repositories(call.services.registry, call.may_read,
                                          {std::string(call.query.get("last")), limit}));
  }
  auto response = json_response("{\"repositories\":" + json_array_of(page.entries) + "}\n");
  if (page.more && !page.entries.empty())
    response.headers.add("Link", next_page_link(call.locations.relative("v2/_catalog"), page, limit));
  return response;
}

} // namespace berth::api::v2
