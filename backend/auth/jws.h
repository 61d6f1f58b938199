// Jws: a signed token in its compact form, taken apart. Nothing in it is to be believed before TokenKey::verify.
// Spec: RFC 7515 (section 3.1, compact serialization), RFC 8725.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"
#include "model/strict_json.h"

namespace berth::auth {

inline constexpr std::size_t max_token_bytes = 16 * 1024;

// All that are taken: asymmetric ones. Spec: RFC 7518 section 3.1, RFC 8037.
inline constexpr std::array<std::string_view, 10> signature_algorithms{"EdDSA", "RS256", "RS384", "RS512", "ES256",
                                                                       "ES384", "ES512", "PS256", "PS384", "PS512"};

// base64url without padding, in the one spelling that a text of bytes has. Errors: invalid.
Result<std::string> from_strict_base64url(std::string_view text);

struct Jws {
  model::Json header;       // an object
  std::string algorithm;    // as the header says; may be none of ours
  std::string_view message; // what is signed, a part of the token
  std::string payload;
  std::string signature;

  // Refuses more than max_token_bytes, anything but three parts of strict base64url, a header that is no JSON object or
  // names a member twice, and `crit`. Borrows: the token. Errors: unauthorized, with the reason as message.
  static Result<Jws> parse(std::string_view token);
};

} // namespace berth::auth
