// Which keys a bundle and a JWK set give, by which ids, and what they verify.
#include "auth/key_set.h"

#include <catch2/catch.hpp>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "auth/openssl_owned.h"
#include "base/encoding.h"
#include "model/jose_base64.h"
#include "unit/temp_dir.h"

namespace berth::auth {
namespace {

const std::string vectors = BERTH_SOURCE_DIR "/tests/unit/auth/vectors/";
constexpr std::chrono::sys_seconds now{std::chrono::seconds(1'800'000'000)};

std::string token_of(const model::Json& header) {
  return model::to_jose_base64(header.dump()) + "." + model::to_jose_base64("{}") + ".AA";
}
// The thumbprint of the key that a header names, or why there is none.
std::string found(const KeySet& keys, const model::Json& header, std::chrono::sys_seconds time = now) {
  const std::string token = token_of(header);
  const auto key = keys.find(Jws::parse(token).value(), time);
  return key ? key->key.thumbprint() : key.error().message;
}
KeySet bundle() {
  KeySet keys;
  REQUIRE(keys.add_bundle(test::read_whole(vectors + "bundle-3x.pem")));
  return keys;
}
std::string why_not_set(const model::Json& jwks) {
  KeySet keys;
  const auto added = keys.add_jwks(jwks.dump());
  return added ? "taken" : added.error().message;
}
std::string why_not(const std::vector<model::Json>& keys) { return why_not_set({{"keys", keys}}); }
model::Json jwk(const std::string& kid) {
  const auto document = model::Json::parse(test::read_whole(vectors + "jwks.json"));
  for (const auto& key : document["keys"])
    if (key["kid"] == kid) return key;
  return {};
}

TEST_CASE("a key of the bundle has the ids of both generations") {
  const KeySet keys = bundle();
  CHECK(keys.size() == 4);
  const auto ids = model::Json::parse(test::read_whole(vectors + "key-ids.json"));
  for (const std::string name : {"rsa", "p256", "p256-short-x", "ed25519"})
    for (const auto& [kind, id] : ids[name].items())
      if (!id.is_null()) CHECK(found(keys, {{"alg", "x"}, {"kid", id}}) == ids[name]["thumbprint"]);
  for (const std::string name : {"leaf", "foreign"})
    for (const auto& [kind, id] : ids[name].items())
      CHECK(found(keys, {{"alg", "x"}, {"kid", id}}) == "the kid is of no trusted key: " + id.dump());
  CHECK(found(keys, {{"alg", "x"}, {"kid", std::string(200, 'x')}}) ==
        "the kid is of no trusted key: \"(a long text)\"");
  CHECK(found(keys, {{"alg", "x"}, {"kid", 1}}) == "the header: kid is not a string");
}

TEST_CASE("bundles") {
  const std::string text = test::read_whole(vectors + "bundle-3x.pem");
  const auto outcome = [](const std::string& pem) {
    KeySet keys;
    const auto added = keys.add_bundle(pem);
    return added ? std::to_string(keys.size()) : added.error().message;
  };
  CHECK(outcome(text + text) == "4"); // one key twice is no harm
  CHECK(outcome("Subject: x\n" + text + "\nrubbish") == "4");
  CHECK(outcome("-----BEGIN X-----\nAAAA\n-----END X-----\n" + text) == "4");
  CHECK(outcome("-----BEGIN X-----\nAAAA\n-----END X-----\n") == "no certificate in PEM");
  CHECK(outcome("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n") ==
        "certificate 1: not a certificate");
  CHECK(outcome(text + "-----BEGIN CERTIFICATE-----\n") == "a PEM block that is broken");
}

TEST_CASE("JWK sets") {
  const model::Json rsa = jwk("jwks-rsa"), ec = jwk("jwks-p256"), ed = jwk("jwks-ed25519"), oct = jwk("jwks-oct");
  const auto with = [](model::Json key, const char* name, const model::Json& value) {
    key[name] = value;
    return key;
  };
  CHECK(why_not({rsa, ec, ed, oct}) == "taken");
  CHECK(why_not({oct}) == "no key that could sign a token");
  CHECK(why_not({with(rsa, "use", "enc")}) == "no key that could sign a token");
  CHECK(why_not({with(ec, "crv", "P-999"), ed}) == "taken");
  CHECK(why_not({rsa, with(ec, "kid", "jwks-rsa")}) == "two keys with the id \"jwks-rsa\"");
  CHECK(why_not({rsa, rsa}) == "taken");
  CHECK(why_not({with(ed, "x", "AAAA")}) == "key 1: x is no Ed25519 key");
  CHECK(why_not({rsa, with(ec, "x", nullptr)}) == "key 2: a member that makes the key is missing");
  CHECK(why_not({with(ec, "x", ec["y"])}) == "key 1: key: not a point of its curve");
  CHECK(why_not({1}) == "key 1: not an object");
  CHECK(why_not({with(rsa, "kid", 1)}) == "key 1: kid or use is not a string");
  CHECK(why_not_set({{"keys", model::Json::object()}}) == "no list \"keys\"");
  CHECK(why_not_set(model::Json::object()) == "no list \"keys\"");
}

TEST_CASE("a jwk is looked up, by its numbers alone") {
  KeySet keys;
  model::Json key = jwk("jwks-p256");
  REQUIRE(keys.add_jwks(model::Json{{"keys", model::Json::array({key})}}.dump()));
  const std::string thumbprint = thumbprint_of(key);
  CHECK(found(keys, {{"alg", "x"}, {"jwk", key}}) == thumbprint);
  key["kid"] = "something else";
  CHECK(found(keys, {{"alg", "x"}, {"jwk", key}, {"kid", "x"}}) == thumbprint);
  for (const char* member : {"kty", "crv", "x", "y"}) {
    model::Json other = key;
    other[member] = "AAAA";
    CHECK(found(keys, {{"alg", "x"}, {"jwk", other}, {"kid", "jwks-p256"}}) == "jwk is none of the trusted keys");
  }
  CHECK(found(keys, {{"alg", "x"}, {"jwk", "x"}, {"kid", "jwks-p256"}}) == "jwk is none of the trusted keys");
  CHECK(found(keys, {{"alg", "x"}, {"jwk", nullptr}, {"kid", "jwks-p256"}}) == thumbprint);
  CHECK(found(keys, {{"alg", "x"}}) == "the header names no key");
}

TEST_CASE("x5c: a list of at most five certificates, whatever else the header names") {
  const KeySet keys = bundle();
  std::string certificate = test::read_whole(vectors + "bundle-3x.pem");
  certificate =
      certificate.substr(certificate.find('\n') + 1, certificate.find("-----END") - certificate.find('\n') - 1);
  std::erase(certificate, '\n');
  const auto header = [](const model::Json& x5c) {
    return model::Json{
        {"alg", "x"}, {"kid", "TVPU:KGDZ:2CMO:Q2VO:I65H:P7U3:OOEM:5XMS:TYVE:C6CG:PQ3U:K4S5"}, {"x5c", x5c}};
  };
  const std::string rsa = "cYC2DNe_iGhgAo9d_CkDLMZmN7bpBf_74x3ihc59lF8";
  CHECK(found(keys, header({certificate})) == rsa);
  CHECK(found(keys, header(std::vector(5, certificate))) == rsa);
  CHECK(found(keys, header(std::vector(6, certificate))) == "x5c: not a list of one to five certificates");
  CHECK(found(keys, header("x")) == "x5c: not a list of one to five certificates");
  CHECK(found(keys, header({certificate, 1})) == "x5c: not a certificate in base64");
  CHECK(found(keys, header({certificate + "AAAA"})) == "x5c: not a certificate in base64");
  CHECK(found(keys, header({"-" + certificate.substr(1)})) == "x5c: not a certificate in base64");
  const auto year = std::chrono::seconds(31'557'600);
  CHECK(found(keys, header({certificate}), now - 8 * year) == "x5c: certificate is not yet valid");
  CHECK(found(keys, header({certificate}), now + 100 * year) == "x5c: certificate has expired");
  CHECK(found(keys, header(nullptr)) == "92WZSFMgQlgutB2AGh-p0jPLyxGOMeO02pEr_FV8qFQ");
}

TEST_CASE("the form of a token") {
  const auto why = [](const std::string& token) {
    const auto parsed = Jws::parse(token);
    return parsed ? "parsed" : parsed.error().message;
  };
  const std::string header = model::to_jose_base64(R"({"alg":"ES256"})");
  const std::string not_base64 = "a part is not base64url without padding";
  CHECK(why(header + ".e30.AA") == "parsed");
  CHECK(why(header + "..") == "parsed"); // and then verified, in vain
  CHECK(why(header + ".e30") == "not three parts");
  CHECK(why(header + ".e30.AA.AA") == "not three parts");
  CHECK(why(header + ".e30.AA==") == not_base64);
  CHECK(why(header + ".e30.AB") == not_base64); // bits are left over
  CHECK(why(header + ".e30.A") == not_base64);
  CHECK(why(header + ".e30.A A") == not_base64);
  CHECK(why(header + ".e30.A+AA") == not_base64);
  CHECK(why(header + "." + std::string(max_token_bytes, 'A') + ".AA") == "longer than 16 KiB");
  CHECK(why(model::to_jose_base64(R"({"alg":"a","alg":"b"})") + ".e30.AA") == "the header: duplicate key \"alg\"");
  CHECK(why(model::to_jose_base64(R"({"alg":"a","crit":[]})") + ".e30.AA") == "the header demands an extension (crit)");
  CHECK(why(model::to_jose_base64(R"({"alg":1})") + ".e30.AA") == "the header: alg is not a string");
  CHECK(why(model::to_jose_base64("[]") + ".e30.AA") == "the header: not a JSON object");
}

using Pkey = Owned<EVP_PKEY, EVP_PKEY_free>;

model::SigningKey signing_key(EVP_PKEY* key) {
  const Owned<BIO, BIO_free_all> bio(BIO_new(BIO_s_mem()));
  REQUIRE(PEM_write_bio_PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) == 1);
  char* text = nullptr;
  const long length = BIO_get_mem_data(bio.get(), &text);
  return model::SigningKey::parse({text, static_cast<std::size_t>(length)}).value();
}

std::string sign_rsa(EVP_PKEY* key, const EVP_MD* hash, int padding, int salt, std::string_view message) {
  const Owned<EVP_MD_CTX, EVP_MD_CTX_free> context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* rules = nullptr;
  REQUIRE(EVP_DigestSignInit(context.get(), &rules, hash, nullptr, key) == 1);
  REQUIRE(EVP_PKEY_CTX_set_rsa_padding(rules, padding) == 1);
  if (padding == RSA_PKCS1_PSS_PADDING) REQUIRE(EVP_PKEY_CTX_set_rsa_pss_saltlen(rules, salt) == 1);
  std::string signature(512, '\0');
  std::size_t length = signature.size();
  REQUIRE(EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &length, raw(message),
                         message.size()) == 1);
  signature.resize(length);
  return signature;
}

// The algorithms by which the key verifies a signature.
std::vector<std::string> verifying(const TokenKey& key, const std::string& signature) {
  std::vector<std::string> found;
  for (const std::string_view algorithm : signature_algorithms)
    if (key.verify(algorithm, "message", signature)) found.emplace_back(algorithm);
  for (const std::string_view algorithm : {"none", "HS256", "HS384", "HS512", "", "es256", "ES256K"})
    CHECK_FALSE(key.verify(algorithm, "message", signature));
  return found;
}

TEST_CASE("a signature is one of its algorithm alone") {
  using Names = std::vector<std::string>;
  for (const auto& [curve, algorithm, width] :
       {std::tuple("P-256", "ES256", 32UL), {"P-384", "ES384", 48UL}, {"P-521", "ES512", 66UL}}) {
    const auto signer = signing_key(Pkey(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", curve)).get());
    const TokenKey key = TokenKey::from_jwk(model::Json::parse(signer.public_key().jwk())).value();
    const std::string signature = signer.sign("message").value();
    CHECK(verifying(key, signature) == Names{algorithm});
    CHECK(verifying(key, std::string(width, '\0') + signature.substr(width)).empty());
    CHECK(verifying(key, signature.substr(0, width) + std::string(width, '\0')).empty());
    CHECK(verifying(key, '\0' + signature.substr(0, width) + '\0' + signature.substr(width)).empty());
    CHECK(verifying(key, "").empty());
  }
  const Pkey rsa(EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", std::size_t{2048}));
  const TokenKey key = TokenKey::from_jwk(model::Json::parse(signing_key(rsa.get()).public_key().jwk())).value();
  for (const auto& [hash, number] : {std::pair(EVP_sha256(), "256"), {EVP_sha384(), "384"}, {EVP_sha512(), "512"}}) {
    const auto sign = [&](int padding, int salt) { return sign_rsa(rsa.get(), hash, padding, salt, "message"); };
    CHECK(verifying(key, sign(RSA_PKCS1_PADDING, 0)) == Names{std::string("RS") + number});
    CHECK(verifying(key, sign(RSA_PKCS1_PSS_PADDING, RSA_PSS_SALTLEN_DIGEST)) == Names{std::string("PS") + number});
    CHECK(verifying(key, sign(RSA_PKCS1_PSS_PADDING, 0)).empty()); // RFC 7518: as long as the hash
  }
}

} // namespace
} // namespace berth::auth
