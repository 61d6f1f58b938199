// Hexadecimal and base64url, RFC 4648.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace berth {

inline std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
inline std::span<const std::byte> as_bytes(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

// Lower-case, two characters a byte.
std::string to_hex(std::string_view bytes);
// The same back. Errors: invalid for an odd length, or any other character.
Result<std::string> from_hex(std::string_view hex);

// base64url with `=` padding (RFC 4648 section 5), as Go's base64.URLEncoding writes it.
std::string to_base64url(std::string_view bytes);
// Errors: invalid for any character outside the alphabet, or wrong padding.
Result<std::string> from_base64url(std::string_view text);
// The same of base64 (RFC 4648 section 4).
Result<std::string> from_base64(std::string_view text);

} // namespace berth
