#include "auth/basic.h"

#include <openssl/crypto.h>

#include "auth/scheme.h"
#include "base/encoding.h"

namespace berth::auth {

BasicCredentials::~BasicCredentials() { OPENSSL_cleanse(password.data(), password.size()); }

bool is_basic(std::string_view authorization) { return after_scheme(authorization, "basic").has_value(); }

Result<BasicCredentials> parse_basic(std::string_view authorization) {
  const auto encoded = after_scheme(authorization, "basic");
  if (!encoded) return fail(Code::invalid, "not of the scheme Basic");
  BERTH_TRY(std::string pair, from_base64(*encoded));
  const std::size_t colon = pair.find(':');
  if (colon == std::string::npos) return fail(Code::invalid, "Basic: no colon between user and password");
  BasicCredentials credentials(pair.substr(0, colon), pair.substr(colon + 1));
  OPENSSL_cleanse(pair.data(), pair.size());
  return credentials;
}

} // namespace berth::auth
