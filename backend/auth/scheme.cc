#include "auth/scheme.h"

#include <algorithm>

namespace berth::auth {
namespace {

char to_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

} // namespace

std::optional<std::string_view> after_scheme(std::string_view authorization, std::string_view scheme) {
  if (authorization.size() <= scheme.size() || authorization[scheme.size()] != ' ' ||
      !std::ranges::equal(authorization.substr(0, scheme.size()), scheme, {}, to_lower))
    return std::nullopt;
  return authorization.substr(scheme.size() + 1);
}

std::string_view bearer_token(std::string_view authorization) {
  const std::string_view token = after_scheme(authorization, "bearer").value_or("");
  return token.find(' ') == std::string_view::npos ? token : std::string_view();
}

} // namespace berth::auth
