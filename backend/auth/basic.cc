#include "auth/basic.h"

#include <openssl/crypto.h>

#include <algorithm>

#include "base/encoding.h"

namespace berth::auth {
namespace {

constexpr std::string_view scheme = "basic ";

char to_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

Result<std::string> from_base64(std::string_view text) {
  if (text.find_first_of("-_") != std::string_view::npos) return fail(Code::invalid, "Basic: no standard base64");
  std::string url(text);
  std::ranges::replace(url, '+', '-');
  std::ranges::replace(url, '/', '_');
  auto bytes = from_base64url(url);
  OPENSSL_cleanse(url.data(), url.size());
  return bytes;
}

} // namespace

BasicCredentials::~BasicCredentials() { OPENSSL_cleanse(password.data(), password.size()); }

bool is_basic(std::string_view authorization) {
  return authorization.size() >= scheme.size() &&
         std::ranges::equal(authorization.substr(0, scheme.size()), scheme, {}, to_lower);
}

Result<BasicCredentials> parse_basic(std::string_view authorization) {
  if (!is_basic(authorization)) return fail(Code::invalid, "not of the scheme Basic");
  BERTH_TRY(std::string pair, from_base64(authorization.substr(scheme.size())));
  const std::size_t colon = pair.find(':');
  if (colon == std::string::npos) return fail(Code::invalid, "Basic: no colon between user and password");
  BasicCredentials credentials(pair.substr(0, colon), pair.substr(colon + 1));
  OPENSSL_cleanse(pair.data(), pair.size());
  return credentials;
}

} // namespace berth::auth
