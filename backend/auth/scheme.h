// The scheme of a value of Authorization. Spec: RFC 7235 section 2.1.
#pragma once

#include <optional>
#include <string_view>

namespace berth::auth {

// Returns the text after the scheme, whose case does not matter, and exactly one blank; nullopt for another scheme.
// Requires: the scheme is in lower case.
std::optional<std::string_view> after_scheme(std::string_view authorization, std::string_view scheme);

// What stands after `Bearer` and one blank; empty if the value is something else.
std::string_view bearer_token(std::string_view authorization);

} // namespace berth::auth
