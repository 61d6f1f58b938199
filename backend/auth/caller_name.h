// What may be a caller's name: logs, tokens, rules and directories take it as it is.
#pragma once

#include <cstddef>
#include <string_view>

#include "base/utf8.h"

namespace berth::auth {

inline constexpr std::size_t max_name_bytes = 255;

// 1 to 255 bytes of UTF-8, neither colon nor control characters. Not normalised: two spellings are two names.
inline bool is_login_name(std::string_view text) {
  return !text.empty() && text.size() <= max_name_bytes && text.find(':') == std::string_view::npos &&
         is_plain_utf8(text);
}

} // namespace berth::auth
