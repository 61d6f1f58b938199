// UTF-8, taken apart strictly: no surrogates, no overlong forms. Spec: RFC 3629.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace berth {

// The character at the beginning of a text and its bytes; no bytes if that is no UTF-8.
struct Character {
  std::uint32_t code = 0;
  std::size_t bytes = 0;
};

// Requires: the text is not empty.
Character first_character(std::string_view text);

// Whether all of a text is UTF-8 without control characters (C0, DEL, C1).
bool is_plain_utf8(std::string_view text);

} // namespace berth
