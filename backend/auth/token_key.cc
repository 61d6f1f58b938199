#include "auth/token_key.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>

#include "auth/jws.h"
#include "auth/openssl_owned.h"
#include "model/jose_base64.h"

namespace berth::auth {
namespace {

using model::Json;

constexpr std::size_t ed25519_bytes = 32;

std::unexpected<Error> refused(std::string why) { return fail(Code::unauthorized, std::move(why)); }

// The members that make a key of this type, in the order of RFC 7638.
std::vector<const char*> members_of(std::string_view type) {
  if (type == "EC") return {"crv", "kty", "x", "y"};
  if (type == "RSA") return {"e", "kty", "n"};
  if (type == "OKP") return {"crv", "kty", "x"};
  return {};
}

// Only those members, each a string; null if one is missing.
Json bare(const Json& jwk) {
  const auto type = model::string_member(jwk, "kty");
  Json key;
  for (const char* name : members_of(type.value_or(std::string()))) {
    const auto member = model::string_member(jwk, name);
    if (!member || member->empty()) return {};
    key[name] = *member;
  }
  return key;
}

// Without leading zero bytes, as Go's big.Int gives a number.
std::string without_zeros(const std::string& coordinate) {
  const std::string bytes = model::from_jose_base64(coordinate).value_or(std::string());
  return model::to_jose_base64(std::string_view(bytes).substr(std::min(bytes.find_first_not_of('\0'), bytes.size())));
}

bool is_valid(evp_pkey_st* key, const EVP_MD* hash, bool pss, std::string_view message, std::string_view signature) {
  const Owned<EVP_MD_CTX, EVP_MD_CTX_free> context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* options = nullptr; // the context's
  const bool valid =
      context && EVP_DigestVerifyInit(context.get(), &options, hash, nullptr, key) == 1 &&
      (!pss || (EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) == 1 &&
                EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_DIGEST) == 1)) &&
      EVP_DigestVerify(context.get(), raw(signature), signature.size(), raw(message), message.size()) == 1;
  ERR_clear_error();
  return valid;
}

const EVP_MD* pss_hash(std::string_view algorithm) {
  if (algorithm == "PS256") return EVP_sha256();
  if (algorithm == "PS384") return EVP_sha384();
  if (algorithm == "PS512") return EVP_sha512();
  return nullptr;
}

} // namespace

std::string thumbprint_of(const Json& jwk) {
  const Json key = bare(jwk);
  if (!key.is_object()) return {};
  for (const auto& [name, value] : key.items()) // each of one spelling, with nothing to escape
    if (name != "kty" && name != "crv" && !from_strict_base64url(value.get_ref<const std::string&>())) return {};
  const std::string canonical = key.dump(); // compact, members by name
  std::string hash(SHA256_DIGEST_LENGTH, '\0');
  SHA256(raw(canonical), canonical.size(), reinterpret_cast<unsigned char*>(hash.data()));
  return model::to_jose_base64(hash);
}

Result<TokenKey> TokenKey::from_certificate(std::string_view der) {
  const unsigned char* at = raw(der);
  const Owned<X509, X509_free> certificate(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  EVP_PKEY* const key = certificate ? X509_get0_pubkey(certificate.get()) : nullptr;
  ERR_clear_error();
  if (key == nullptr) return fail(Code::invalid, "not a certificate");
  if (EVP_PKEY_is_a(key, "ED25519") == 1) {
    EVP_PKEY_up_ref(key);
    return of_ed25519({key, EVP_PKEY_free});
  }
  auto made = model::PublicKey::from_certificate(der);
  ERR_clear_error();
  if (!made) return fail(Code::unsupported, made.error().detail);
  return of(*std::move(made));
}

Result<TokenKey> TokenKey::from_jwk(const Json& jwk) {
  const auto type = model::string_member(jwk, "kty");
  const auto curve = model::string_member(jwk, "crv");
  if (!type || !curve) return fail(Code::invalid, "kty or crv is not a string");
  constexpr std::array<std::string_view, 3> curves{"P-256", "P-384", "P-521"};
  if (*type != "RSA" && !(*type == "OKP" && *curve == "Ed25519") &&
      !(*type == "EC" && std::ranges::find(curves, *curve) != curves.end()))
    return fail(Code::unsupported, "neither RSA nor EC nor Ed25519");
  const Json key = bare(jwk);
  if (!key.is_object()) return fail(Code::invalid, "a member that makes the key is missing");
  if (*type == "OKP") {
    const auto bytes = from_strict_base64url(key["x"].get_ref<const std::string&>());
    if (!bytes || bytes->size() != ed25519_bytes) return fail(Code::invalid, "x is no Ed25519 key");
    return of_ed25519(
        {EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, raw(*bytes), bytes->size()), EVP_PKEY_free});
  }
  auto made = model::PublicKey::from_jwk(key.dump());
  ERR_clear_error();
  if (!made) return fail(Code::invalid, made.error().detail);
  return of(*std::move(made));
}

TokenKey TokenKey::of(model::PublicKey key) {
  TokenKey made;
  Json jwk = Json::parse(key.jwk());
  made.ids_ = {thumbprint_of(jwk), key.id()};
  if (jwk.contains("crv")) {
    for (const char* coordinate : {"x", "y"}) jwk[coordinate] = without_zeros(jwk[coordinate].get<std::string>());
    made.ids_.push_back(thumbprint_of(jwk));
  }
  made.key_ = std::move(key);
  return made;
}

Result<TokenKey> TokenKey::of_ed25519(std::shared_ptr<evp_pkey_st> key) {
  std::string bytes(ed25519_bytes, '\0');
  std::size_t size = bytes.size();
  if (!key || EVP_PKEY_get_raw_public_key(key.get(), reinterpret_cast<unsigned char*>(bytes.data()), &size) != 1)
    return fail(Code::invalid, "not an Ed25519 key");
  TokenKey made;
  made.ids_ = {thumbprint_of({{"kty", "OKP"}, {"crv", "Ed25519"}, {"x", model::to_jose_base64(bytes)}})};
  made.ed25519_ = std::move(key);
  return made;
}

Result<> TokenKey::verify(std::string_view algorithm, std::string_view message, std::string_view signature) const {
  const EVP_MD* const pss = pss_hash(algorithm);
  if (algorithm == "EdDSA" ? !ed25519_ : !key_ || (pss != nullptr && EVP_PKEY_is_a(key_->openssl_key(), "RSA") != 1))
    return refused("alg does not fit the key");
  if (pss == nullptr && key_) {
    if (const auto verified = key_->verify(algorithm, message, signature); !verified)
      return refused(verified.error().detail);
    return {};
  }
  if (!is_valid(key_ ? key_->openssl_key() : ed25519_.get(), pss, pss != nullptr, message, signature))
    return refused("the signature is wrong");
  return {};
}

} // namespace berth::auth
