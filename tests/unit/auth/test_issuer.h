// TestKey: a key pair of a test's own, which signs tokens.
#pragma once

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include <catch2/catch.hpp>

#include <memory>
#include <string>

#include "auth/openssl_owned.h"
#include "model/jose_base64.h"
#include "model/strict_json.h"

namespace berth::test {

class TestKey {
public:
  // The algorithm: RS256, PS256, ES256, EdDSA.
  TestKey(std::string algorithm, std::string id)
      : algorithm_(std::move(algorithm)), id_(std::move(id)), key_(generate(algorithm_)) {
    REQUIRE(key_);
  }

  model::Json jwk() const {
    model::Json jwk{{"kid", id_}, {"use", "sig"}};
    if (algorithm_ == "EdDSA") {
      std::string x(32, '\0');
      std::size_t size = x.size();
      REQUIRE(EVP_PKEY_get_raw_public_key(key_.get(), reinterpret_cast<unsigned char*>(x.data()), &size) == 1);
      jwk.update({{"kty", "OKP"}, {"crv", "Ed25519"}, {"x", model::to_jose_base64(x)}});
    } else if (algorithm_ == "ES256") {
      jwk.update({{"kty", "EC"},
                  {"crv", "P-256"},
                  {"x", number(OSSL_PKEY_PARAM_EC_PUB_X, 32)},
                  {"y", number(OSSL_PKEY_PARAM_EC_PUB_Y, 32)}});
    } else {
      jwk.update({{"kty", "RSA"}, {"n", number(OSSL_PKEY_PARAM_RSA_N, 256)}, {"e", number(OSSL_PKEY_PARAM_RSA_E, 3)}});
    }
    return jwk;
  }

  std::string sign(const model::Json& claims) const {
    const model::Json header{{"alg", algorithm_}, {"typ", "JWT"}, {"kid", id_}};
    const std::string message = model::to_jose_base64(header.dump()) + "." + model::to_jose_base64(claims.dump());
    return message + "." + model::to_jose_base64(signature_of(message));
  }

private:
  using Key = std::shared_ptr<EVP_PKEY>;

  static Key generate(const std::string& algorithm) {
    EVP_PKEY* const key = algorithm == "EdDSA"   ? EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")
                          : algorithm == "ES256" ? EVP_EC_gen("P-256")
                                                 : EVP_RSA_gen(2048);
    return {key, EVP_PKEY_free};
  }

  std::string number(const char* name, int bytes) const {
    BIGNUM* read = nullptr;
    REQUIRE(EVP_PKEY_get_bn_param(key_.get(), name, &read) == 1);
    const auth::Owned<BIGNUM, BN_free> value(read);
    std::string text(static_cast<std::size_t>(bytes), '\0');
    REQUIRE(BN_bn2binpad(value.get(), reinterpret_cast<unsigned char*>(text.data()), bytes) == bytes);
    return model::to_jose_base64(text);
  }

  std::string signature_of(const std::string& message) const {
    const auth::Owned<EVP_MD_CTX, EVP_MD_CTX_free> context(EVP_MD_CTX_new());
    EVP_PKEY_CTX* how = nullptr;
    const EVP_MD* const digest = algorithm_ == "EdDSA" ? nullptr : EVP_sha256();
    REQUIRE(EVP_DigestSignInit(context.get(), &how, digest, nullptr, key_.get()) == 1);
    if (algorithm_ == "PS256") {
      REQUIRE(EVP_PKEY_CTX_set_rsa_padding(how, RSA_PKCS1_PSS_PADDING) == 1);
      REQUIRE(EVP_PKEY_CTX_set_rsa_pss_saltlen(how, RSA_PSS_SALTLEN_DIGEST) == 1);
    }
    std::string signature(512, '\0');
    std::size_t size = signature.size();
    REQUIRE(EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size, auth::raw(message),
                           message.size()) == 1);
    signature.resize(size);
    return algorithm_ == "ES256" ? both_numbers(signature) : signature;
  }

  static std::string both_numbers(const std::string& der) {
    const unsigned char* at = auth::raw(der);
    const auth::Owned<ECDSA_SIG, ECDSA_SIG_free> parsed(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size())));
    std::string text(64, '\0');
    auto* const out = reinterpret_cast<unsigned char*>(text.data());
    BN_bn2binpad(ECDSA_SIG_get0_r(parsed.get()), out, 32);
    BN_bn2binpad(ECDSA_SIG_get0_s(parsed.get()), out + 32, 32);
    return text;
  }

  const std::string algorithm_, id_;
  const Key key_;
};

} // namespace berth::test
