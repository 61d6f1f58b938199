#include "auth/own_token.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "auth/caller_text.h"
#include "auth/jws.h"
#include "auth/openssl_owned.h"
#include "model/jose_base64.h"
#include "model/strict_json.h"

namespace berth::auth {
namespace {

using model::Json;
using std::chrono::sys_seconds;

constexpr std::string_view beginning = "b1.";
// Keeps the key apart from those of upload states and of v1 tokens, which come from the same secret.
constexpr std::string_view label = "berth own token 1";
constexpr std::size_t mac_bytes = 32;
constexpr std::array<std::string_view, 2> uses{"access", "refresh"}; // in Use's order

std::unexpected<Error> refused(std::string why) { return fail(Code::unauthorized, std::move(why)); }

std::array<unsigned char, 32> derived(std::string_view secret) {
  std::array<unsigned char, 32> key{};
  std::size_t size = key.size();
  const Owned<EVP_PKEY_CTX, EVP_PKEY_CTX_free> context(EVP_PKEY_CTX_new_id(EVP_PKEY_HKDF, nullptr));
  const bool made = context != nullptr && EVP_PKEY_derive_init(context.get()) == 1 &&
                    EVP_PKEY_CTX_set_hkdf_md(context.get(), EVP_sha256()) == 1 &&
                    EVP_PKEY_CTX_set1_hkdf_key(context.get(), raw(secret), static_cast<int>(secret.size())) == 1 &&
                    EVP_PKEY_CTX_add1_hkdf_info(context.get(), raw(label), static_cast<int>(label.size())) == 1 &&
                    EVP_PKEY_derive(context.get(), key.data(), &size) == 1;
  if (!made) std::abort(); // no token may be signed with a key that everybody knows
  return key;
}

std::string mac_of(std::string_view text, const std::array<unsigned char, 32>& key) {
  std::string mac(mac_bytes, '\0');
  unsigned length = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), raw(text), text.size(),
       reinterpret_cast<unsigned char*>(mac.data()), &length);
  return mac;
}

Json written(const OwnToken& token) {
  Json json = caller_json(token.caller);
  json["use"] = uses[static_cast<std::size_t>(token.use)];
  json["iat"] = token.issued.time_since_epoch().count();
  json["exp"] = token.expires.time_since_epoch().count();
  for (const Access& scope : token.scopes) json["scopes"].push_back({scope.type, scope.name, scope.action});
  return json;
}

Result<sys_seconds> time_of(const Json& json, const char* name) {
  const auto time = json.find(name);
  if (time == json.end() || !time->is_number_integer()) return refused(std::string(name) + " is no time");
  return sys_seconds(std::chrono::seconds(time->get<std::int64_t>()));
}

// The form is ours, as the MAC says; all the same nothing here trusts it.
Result<OwnToken> read_json(std::string_view text) {
  BERTH_TRY(const Json json, model::parse_json(text, model::Duplicates::refused));
  OwnToken token;
  BERTH_TRY(const std::size_t use, one_of(uses, json, "use"));
  token.use = static_cast<OwnToken::Use>(use);
  BERTH_TRY(token.issued, time_of(json, "iat"));
  BERTH_TRY(token.expires, time_of(json, "exp"));
  BERTH_TRY(token.caller, caller_of(json));
  BERTH_TRY(auto scopes, string_lists<3>(json, "scopes"));
  for (auto& [type, name, action] : scopes)
    token.scopes.push_back({std::move(type), std::move(name), std::move(action)});
  return token;
}

} // namespace

bool OwnToken::covers(std::string_view type, std::string_view name, std::string_view action) const {
  return std::ranges::any_of(
      scopes, [&](const Access& scope) { return scope.type == type && scope.name == name && scope.action == action; });
}

OwnTokens::OwnTokens(std::string_view secret) : key_(derived(secret)) {}

bool OwnTokens::is_one(std::string_view text) { return text.starts_with(beginning); }

Result<std::string> OwnTokens::sign(const OwnToken& token) const {
  std::string json;
  try {
    json = written(token).dump();
  } catch (const Json::exception&) {
    return fail(Code::bad_request, {}, "a name that is no UTF-8 fits into no token");
  }
  std::string text = std::string(beginning) + model::to_jose_base64(json);
  text += "." + model::to_jose_base64(mac_of(text, key_));
  if (text.size() > max_own_token_bytes) return fail(Code::bad_request, {}, "the token would be too long");
  return text;
}

Result<OwnToken> OwnTokens::read(std::string_view text, OwnToken::Use use, sys_seconds now) const {
  if (!is_one(text) || text.size() > max_own_token_bytes) return refused("no token of this registry");
  const std::size_t dot = text.rfind('.');
  const auto mac = from_strict_base64url(text.substr(dot + 1));
  const std::string right = mac_of(text.substr(0, dot), key_);
  if (!mac || mac->size() != right.size() || CRYPTO_memcmp(mac->data(), right.data(), right.size()) != 0)
    return refused("not signed by this registry");
  if (dot < beginning.size()) return refused("not of three parts");
  const auto payload = from_strict_base64url(text.substr(beginning.size(), dot - beginning.size()));
  if (!payload) return refused("the payload is no base64url");
  auto token = read_json(*payload);
  if (!token) return refused("the payload has another form");
  if (token->use != use) return refused("not for this use");
  if (now >= token->expires) return refused("it has expired");
  return token;
}

} // namespace berth::auth
