#include "model/jws_key.h"

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>
#include <map>

#include "model/digest.h"
#include "model/jose_base64.h"
#include "model/json_text.h"
#include "model/strict_json.h"

namespace berth::model {
namespace {

constexpr int min_rsa_bits = 1024;
constexpr int max_rsa_bits = 8192;
constexpr std::size_t max_exponent_bytes = 4; // what libtrust reads

template <auto Free>
struct Freer {
  void operator()(auto* object) const { Free(object); }
};
template <class Type, auto Free>
using Owned = std::unique_ptr<Type, Freer<Free>>;
using Pkey = Owned<EVP_PKEY, EVP_PKEY_free>;
using Number = Owned<BIGNUM, BN_clear_free>;
using Params = Owned<OSSL_PARAM, OSSL_PARAM_free>;
using Builder = Owned<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free>;
using Bio = Owned<BIO, BIO_free_all>;
using PkeyContext = Owned<EVP_PKEY_CTX, EVP_PKEY_CTX_free>;
using DigestContext = Owned<EVP_MD_CTX, EVP_MD_CTX_free>;

struct Curve {
  std::string_view jwk_name;
  const char* openssl_name;
  std::string_view algorithm;
  std::size_t bytes; // of a coordinate
};
constexpr std::array<Curve, 3> curves{{{"P-256", SN_X9_62_prime256v1, "ES256", 32},
                                       {"P-384", SN_secp384r1, "ES384", 48},
                                       {"P-521", SN_secp521r1, "ES512", 66}}};

std::unexpected<Error> refused(const std::string& why) { return fail(Code::manifest_invalid, {}, "key: " + why); }
std::unexpected<Error> unverified(std::string why) { return fail(Code::manifest_unverified, {}, std::move(why)); }
std::unexpected<Error> broken(std::string what) { return fail(Code::unknown, "OpenSSL: " + std::move(what)); }

const unsigned char* raw(std::string_view bytes) { return reinterpret_cast<const unsigned char*>(bytes.data()); }

Number to_number(std::string_view bytes) {
  return Number(BN_bin2bn(raw(bytes), static_cast<int>(bytes.size()), nullptr));
}

// Big endian, padded on the left to `width` bytes (0: as short as it can be).
std::string to_bytes(const BIGNUM* number, std::size_t width = 0) {
  std::string bytes(width != 0 ? width : static_cast<std::size_t>(BN_num_bytes(number)), '\0');
  BN_bn2binpad(number, reinterpret_cast<unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
  return bytes;
}

Number number_of(const EVP_PKEY* key, const char* name) {
  BIGNUM* number = nullptr;
  EVP_PKEY_get_bn_param(key, name, &number);
  return Number(number);
}

const EVP_MD* hash_of(std::string_view algorithm) {
  if (algorithm.ends_with("256")) return EVP_sha256();
  if (algorithm.ends_with("384")) return EVP_sha384();
  return EVP_sha512();
}

// Makes a key from its numbers; returns null if they are not a key's.
Pkey make_key(const char* type, int selection, const Builder& builder) {
  const Params params(OSSL_PARAM_BLD_to_param(builder.get()));
  const PkeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  EVP_PKEY* key = nullptr;
  if (!params || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, selection, params.get()) != 1)
    return nullptr;
  return Pkey(key);
}

bool is_sound(EVP_PKEY* key) {
  const PkeyContext context(EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr));
  return context && EVP_PKEY_public_check(context.get()) == 1;
}

std::string key_id(const EVP_PKEY* key) {
  unsigned char* der = nullptr;
  const int length = i2d_PUBKEY(key, &der);
  if (length <= 0) return {};
  const std::string hex(
      CanonicalDigest::of_bytes({reinterpret_cast<const char*>(der), static_cast<std::size_t>(length)}).hex());
  OPENSSL_free(der);
  // 240 of the 256 bits, five at a time.
  constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  std::string id;
  unsigned bits = 0, have = 0;
  for (std::size_t i = 0; i < 60; ++i) {
    const char digit = hex[i];
    bits = bits << 4 | static_cast<unsigned>(digit <= '9' ? digit - '0' : digit - 'a' + 10);
    for (have += 4; have >= 5; have -= 5) {
      if (id.size() % 5 == 4) id += ':';
      id += alphabet[bits >> (have - 5) & 31];
    }
  }
  return id;
}

using Members = std::map<std::string, std::string>;

// The members that say what the key is, in place of what a JWK said.
void describe(const EVP_PKEY* key, const Curve* curve, const std::string& id, Members& members) {
  const auto set = [&](const char* name, std::string_view value) { members[name] = json_quote(value); };
  set("kid", id);
  set("kty", curve != nullptr ? "EC" : "RSA");
  if (curve != nullptr) {
    set("crv", curve->jwk_name);
    set("x", to_jose_base64(to_bytes(number_of(key, OSSL_PKEY_PARAM_EC_PUB_X).get(), curve->bytes)));
    set("y", to_jose_base64(to_bytes(number_of(key, OSSL_PKEY_PARAM_EC_PUB_Y).get(), curve->bytes)));
  } else {
    set("e", to_jose_base64(to_bytes(number_of(key, OSSL_PKEY_PARAM_RSA_E).get())));
    set("n", to_jose_base64(to_bytes(number_of(key, OSSL_PKEY_PARAM_RSA_N).get())));
  }
}

std::string object_of(const Members& members) {
  std::string json = "{";
  for (const auto& [name, value] : members) json += (json.size() > 1 ? "," : "") + json_quote(name) + ":" + value;
  return json + "}";
}

// The curve of a key, or null for RSA. Errors: for every other kind of key.
Result<const Curve*> curve_of(const EVP_PKEY* key) {
  if (EVP_PKEY_is_a(key, "RSA") == 1) {
    const Number exponent = number_of(key, OSSL_PKEY_PARAM_RSA_E);
    if (EVP_PKEY_get_bits(key) < min_rsa_bits || EVP_PKEY_get_bits(key) > max_rsa_bits)
      return refused("RSA keys have 1024 to 8192 bits");
    if (!exponent || static_cast<std::size_t>(BN_num_bytes(exponent.get())) > max_exponent_bytes ||
        BN_is_odd(exponent.get()) != 1 || BN_is_one(exponent.get()) == 1)
      return refused("not an RSA exponent");
    return nullptr;
  }
  std::array<char, 64> group{};
  if (EVP_PKEY_is_a(key, "EC") == 1 && EVP_PKEY_get_group_name(key, group.data(), group.size(), nullptr) == 1)
    for (const Curve& curve : curves)
      if (std::string_view(group.data()) == curve.openssl_name) return &curve;
  return refused("neither RSA nor on one of the curves P-256, P-384 and P-521");
}

Result<std::string> bytes_member(const Json& jwk, const char* name) {
  BERTH_TRY(const std::string text, string_member(jwk, name));
  auto bytes = from_jose_base64(text);
  if (!bytes || bytes->empty()) return refused(std::string(name) + " is not base64url");
  if (bytes->size() > max_rsa_bits / 8 + 1) return refused(std::string(name) + " is too long");
  return bytes;
}

Result<Pkey> ec_from_jwk(const Json& jwk) {
  BERTH_TRY(const std::string name, string_member(jwk, "crv"));
  const auto curve = std::ranges::find(curves, name, &Curve::jwk_name);
  if (curve == curves.end()) return refused("the curve is none of P-256, P-384 and P-521");
  BERTH_TRY(const std::string x, bytes_member(jwk, "x"));
  BERTH_TRY(const std::string y, bytes_member(jwk, "y"));
  if (x.size() != curve->bytes || y.size() != curve->bytes) return refused("a coordinate of the wrong length");
  const std::string point = '\4' + x + y;
  const Builder builder(OSSL_PARAM_BLD_new());
  OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, curve->openssl_name, 0);
  OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size());
  Number secret;
  if (has_value(jwk, "d")) {
    BERTH_TRY(const std::string d, bytes_member(jwk, "d"));
    secret = to_number(d);
    OSSL_PARAM_BLD_push_BN_pad(builder.get(), OSSL_PKEY_PARAM_PRIV_KEY, secret.get(), curve->bytes);
  }
  Pkey key = make_key("EC", secret ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY, builder);
  if (!key || !is_sound(key.get())) return refused("not a point of its curve");
  return key;
}

Result<Pkey> rsa_from_jwk(const Json& jwk) {
  const Builder builder(OSSL_PARAM_BLD_new());
  std::vector<Number> numbers; // the builder borrows them
  const auto push = [&](const char* name, const char* parameter) -> Result<> {
    BERTH_TRY(const std::string bytes, bytes_member(jwk, name));
    numbers.push_back(to_number(bytes));
    OSSL_PARAM_BLD_push_BN(builder.get(), parameter, numbers.back().get());
    return {};
  };
  BERTH_CHECK(push("n", OSSL_PKEY_PARAM_RSA_N));
  BERTH_CHECK(push("e", OSSL_PKEY_PARAM_RSA_E));
  const bool whole = has_value(jwk, "d");
  if (whole) {
    BERTH_CHECK(push("d", OSSL_PKEY_PARAM_RSA_D));
    BERTH_CHECK(push("p", OSSL_PKEY_PARAM_RSA_FACTOR1));
    BERTH_CHECK(push("q", OSSL_PKEY_PARAM_RSA_FACTOR2));
    BERTH_CHECK(push("dp", OSSL_PKEY_PARAM_RSA_EXPONENT1));
    BERTH_CHECK(push("dq", OSSL_PKEY_PARAM_RSA_EXPONENT2));
    BERTH_CHECK(push("qi", OSSL_PKEY_PARAM_RSA_COEFFICIENT1));
  }
  Pkey key = make_key("RSA", whole ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY, builder);
  if (!key) return refused("not an RSA key");
  return key;
}

Result<Pkey> key_from_jwk(const Json& jwk) {
  BERTH_TRY(const std::string type, string_member(jwk, "kty"));
  if (type == "EC") return ec_from_jwk(jwk);
  if (type == "RSA") return rsa_from_jwk(jwk);
  return refused("kty is neither EC nor RSA");
}

// r and s, one after the other, from OpenSSL's DER, and back.
Result<std::string> to_plain(std::string_view der, std::size_t width) {
  const unsigned char* at = raw(der);
  const Owned<ECDSA_SIG, ECDSA_SIG_free> pair(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size())));
  if (!pair) return broken("not a signature");
  return to_bytes(ECDSA_SIG_get0_r(pair.get()), width) + to_bytes(ECDSA_SIG_get0_s(pair.get()), width);
}
std::string to_der(std::string_view plain) {
  const Owned<ECDSA_SIG, ECDSA_SIG_free> pair(ECDSA_SIG_new());
  Number r = to_number(plain.substr(0, plain.size() / 2)), s = to_number(plain.substr(plain.size() / 2));
  unsigned char* der = nullptr;
  if (!pair || !r || !s || ECDSA_SIG_set0(pair.get(), r.get(), s.get()) != 1) return {};
  (void)r.release(), (void)s.release(); // the pair's now
  const int length = i2d_ECDSA_SIG(pair.get(), &der);
  const std::string bytes(reinterpret_cast<const char*>(der), static_cast<std::size_t>(std::max(length, 0)));
  OPENSSL_free(der);
  return bytes;
}

} // namespace

struct KeyParts {
  Pkey key;
  const Curve* curve; // null: RSA
  std::string id;
  std::string jwk;
};

namespace {

// members: further ones to keep in the JWK.
Result<std::shared_ptr<const KeyParts>> make_parts(Pkey key, Members members) {
  BERTH_TRY(const Curve* const curve, curve_of(key.get()));
  std::string id = key_id(key.get());
  if (id.empty()) return refused("OpenSSL cannot write it");
  describe(key.get(), curve, id, members);
  return std::make_shared<const KeyParts>(KeyParts{std::move(key), curve, std::move(id), object_of(members)});
}

// PEM without the lines `name: value` that libtrust puts before the key, and OpenSSL cannot read.
std::string without_headers(std::string_view pem) {
  std::string plain;
  while (!pem.empty()) {
    const std::size_t end = std::min(pem.find('\n'), pem.size() - 1) + 1;
    const std::string_view line = pem.substr(0, end);
    if (line.find(':') == std::string_view::npos && line.find_first_not_of(" \t\r\n") != std::string_view::npos)
      plain += line;
    pem.remove_prefix(end);
  }
  return plain;
}

// Gives OpenSSL no passphrase, so that it does not ask for one on the terminal.
int no_passphrase(char*, int, int, void*) { return -1; }

} // namespace

const std::string& PublicKey::id() const { return parts_->id; }
const std::string& PublicKey::jwk() const { return parts_->jwk; }
evp_pkey_st* PublicKey::openssl_key() const { return parts_->key.get(); }

Result<PublicKey> PublicKey::from_jwk(std::string_view json) {
  BERTH_TRY(Json jwk, parse_json(json, Duplicates::refused));
  Members members;
  for (const JsonMember& member : json_members(json)) members[member.name] = json_compact(member.value);
  for (const char* secret : {"d", "p", "q", "dp", "dq", "qi", "oth"}) {
    jwk.erase(secret);
    members.erase(secret);
  }
  BERTH_TRY(Pkey key, key_from_jwk(jwk));
  BERTH_TRY(auto parts, make_parts(std::move(key), std::move(members)));
  PublicKey made(std::move(parts));
  BERTH_TRY(const std::string claimed, string_member(jwk, "kid"));
  if (!claimed.empty() && claimed != made.id()) return refused("kid is not the key's id");
  return made;
}

Result<PublicKey> PublicKey::from_certificate(std::string_view der) {
  const unsigned char* at = raw(der);
  const Owned<X509, X509_free> certificate(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  const EVP_PKEY* const key = certificate ? X509_get0_pubkey(certificate.get()) : nullptr;
  if (key == nullptr) return refused("not a certificate");
  // By way of its numbers: a certificate may spell out what a curve is instead of naming it, and then has another id.
  BERTH_TRY(const Curve* const curve, curve_of(key));
  Members members;
  describe(key, curve, {}, members);
  members.erase("kid");
  return from_jwk(object_of(members));
}

Result<> PublicKey::verify(std::string_view algorithm, std::string_view message, std::string_view signature) const {
  constexpr std::array<std::string_view, 3> rsa_algorithms{"RS256", "RS384", "RS512"};
  const Curve* const curve = parts_->curve;
  if (curve != nullptr ? algorithm != curve->algorithm
                       : std::ranges::find(rsa_algorithms, algorithm) == rsa_algorithms.end())
    return unverified("the key cannot have made a signature of this algorithm");
  if (curve != nullptr && signature.size() != 2 * curve->bytes) return unverified("a signature of the wrong length");
  const std::string given = curve != nullptr ? to_der(signature) : std::string(signature);
  const DigestContext context(EVP_MD_CTX_new());
  const bool valid =
      context && EVP_DigestVerifyInit(context.get(), nullptr, hash_of(algorithm), nullptr, parts_->key.get()) == 1 &&
      EVP_DigestVerify(context.get(), raw(given), given.size(), raw(message), message.size()) == 1;
  ERR_clear_error();
  if (!valid) return unverified("a signature is wrong");
  return {};
}

Result<SigningKey> SigningKey::generate() {
  Pkey key(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", SN_X9_62_prime256v1));
  if (!key) return broken("no key could be made");
  BERTH_TRY(auto parts, make_parts(std::move(key), {}));
  return SigningKey(PublicKey(std::move(parts)));
}

Result<SigningKey> SigningKey::parse(std::string_view text) {
  Pkey key;
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first != std::string_view::npos && text[first] == '{') {
    const auto jwk = parse_json(text, Duplicates::refused);
    if (!jwk || !has_value(*jwk, "d")) return fail(Code::invalid, "not a private JWK");
    auto read = key_from_jwk(*jwk);
    if (!read) return fail(Code::invalid, read.error().detail);
    key = std::move(*read);
  } else {
    const std::string pem = without_headers(text);
    const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    key.reset(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr));
    ERR_clear_error();
    if (!key) return fail(Code::invalid, "not a private key in PEM (without a passphrase) or as a JWK");
  }
  auto parts = make_parts(std::move(key), {});
  if (!parts) return fail(Code::invalid, parts.error().detail);
  return SigningKey(PublicKey(std::move(*parts)));
}

std::string SigningKey::pem() const {
  const Bio bio(BIO_new(BIO_s_mem()));
  if (!bio ||
      PEM_write_bio_PKCS8PrivateKey(bio.get(), public_.parts_->key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1)
    return {};
  char* text = nullptr;
  const long length = BIO_get_mem_data(bio.get(), &text);
  return std::string(text, static_cast<std::size_t>(length));
}

std::string_view SigningKey::algorithm() const {
  const Curve* const curve = public_.parts_->curve;
  return curve != nullptr ? curve->algorithm : "RS256";
}

Result<std::string> SigningKey::sign(std::string_view message) const {
  const KeyParts& parts = *public_.parts_;
  const DigestContext context(EVP_MD_CTX_new());
  std::size_t length = 0;
  std::string signature;
  const bool begun = context &&
                     EVP_DigestSignInit(context.get(), nullptr, hash_of(algorithm()), nullptr, parts.key.get()) == 1 &&
                     EVP_DigestSign(context.get(), nullptr, &length, raw(message), message.size()) == 1;
  signature.resize(length);
  if (!begun || EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &length, raw(message),
                               message.size()) != 1)
    return broken("no signature could be made");
  signature.resize(length);
  if (parts.curve == nullptr) return signature;
  return to_plain(signature, parts.curve->bytes);
}

} // namespace berth::model
