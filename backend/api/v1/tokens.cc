#include "api/v1/tokens.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <charconv>

#include "auth/caller_text.h"
#include "base/encoding.h"
#include "http/headers.h"

namespace berth::api::v1 {
namespace {

constexpr std::size_t mac_bytes = 32;

std::string_view name_of(TokenAccess access) { return access == TokenAccess::write ? "write" : "read"; }

std::int64_t seconds(Time time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

// The value of `key=` in a list of pairs, without quotes; empty if it is not there. The word `Token` may stand before
// the first pair, and twice where a client puts it before what begins with it already.
std::string_view value_of(std::string_view list, std::string_view key) {
  for (std::string_view pair : http::split_list(list)) {
    if (const std::size_t blank = pair.rfind(' '); blank != std::string_view::npos) pair.remove_prefix(blank + 1);
    if (pair.size() <= key.size() || !pair.starts_with(key) || pair[key.size()] != '=') continue;
    pair.remove_prefix(key.size() + 1);
    if (pair.size() >= 2 && pair.front() == '"' && pair.back() == '"') pair = pair.substr(1, pair.size() - 2);
    return pair;
  }
  return {};
}

} // namespace

std::string TokenSigner::signature_of(const Token& token, std::string_view subject, std::string_view expires) const {
  // The first line keeps this key's signatures apart from those of upload states.
  const std::string message = "v1 token\n" + token.repository + "\n" + std::string(name_of(token.access)) + "\n" +
                              std::string(subject) + "\n" + std::string(expires);
  std::string mac(mac_bytes, '\0');
  unsigned length = 0;
  HMAC(EVP_sha256(), secret_.data(), static_cast<int>(secret_.size()),
       reinterpret_cast<const unsigned char*>(message.data()), message.size(),
       reinterpret_cast<unsigned char*>(mac.data()), &length);
  return to_hex(mac);
}

std::string TokenSigner::sign(const Token& token) const {
  const std::string expires = std::to_string(seconds(clock_.now() + lifetime));
  const std::string subject = to_base64url(auth::caller_text(token.caller));
  return "Token signature=" + signature_of(token, subject, expires) + ",repository=\"" + token.repository +
         "\",access=" + std::string(name_of(token.access)) + (subject.empty() ? "" : ",subject=\"" + subject + "\"") +
         ",expires=" + expires;
}

Result<Token> TokenSigner::verify(std::string_view text) const {
  const auto refuse = [] { return fail(Code::unauthorized, "The token is not valid, or has expired"); };
  const std::string_view access = value_of(text, "access"), expires = value_of(text, "expires");
  if (access != "read" && access != "write") return refuse();
  const std::string_view subject = value_of(text, "subject");
  Token token{std::string(value_of(text, "repository")), access == "write" ? TokenAccess::write : TokenAccess::read};
  const std::string expected = signature_of(token, subject, expires);
  const std::string_view signature = value_of(text, "signature");
  if (signature.size() != expected.size() || CRYPTO_memcmp(signature.data(), expected.data(), expected.size()) != 0)
    return refuse();
  std::int64_t end = 0;
  std::from_chars(expires.data(), expires.data() + expires.size(), end); // ours, as it is signed
  if (seconds(clock_.now()) >= end) return refuse();
  const auto caller = from_base64url(subject);
  if (!caller) return refuse();
  auto vouched = auth::read_caller(*caller);
  if (!vouched) return refuse();
  token.caller = *std::move(vouched);
  return token;
}

} // namespace berth::api::v1
