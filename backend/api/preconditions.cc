#include "api/preconditions.h"

#include <algorithm>

#include "http/headers.h"

namespace berth::api {
namespace {

// Strongly: a weak tag (W/"…") is no match.
bool names(std::string_view if_match, std::string_view tag) {
  return std::ranges::any_of(http::split_list(if_match), [&](std::string_view element) {
    return element == "*" || (!tag.empty() && http::if_range_names(element, tag));
  });
}

} // namespace

Precondition precondition_of(const http::Request& request, std::string_view tag) {
  if (request.headers.has("If-Match") && !names(request.headers.get("If-Match"), tag)) return Precondition::failed;
  if (http::none_match_names(request.headers.get("If-None-Match"), tag)) return Precondition::not_modified;
  return Precondition::met;
}

} // namespace berth::api
