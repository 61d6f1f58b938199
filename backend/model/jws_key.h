// Keys of JSON web signatures, as libtrust writes and names them: EC on P-256, P-384 or P-521, and RSA of 1024 to 8192
// bits. Values; copies share the key. Threads: safe.
// Spec: RFC 7515, RFC 7517, RFC 7518; docker/libtrust for key ids and for what of those is in use.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

struct evp_pkey_st; // OpenSSL's

namespace berth::model {

struct KeyParts; // of jws_key.cc

class PublicKey {
public:
  // A JSON object that is valid JSON already. A `kid` that is not the key's id is refused. Errors: manifest_invalid.
  static Result<PublicKey> from_jwk(std::string_view json);
  // An X.509 certificate in DER, which is believed as it is: its chain and dates are not looked at.
  // Errors: manifest_invalid.
  static Result<PublicKey> from_certificate(std::string_view der);

  // libtrust's: `ABCD:EFGH:…`, 12 groups of base32 from the sha256 of the SubjectPublicKeyInfo.
  const std::string& id() const;
  // Compact JSON, members in order, those that are not berth's business kept.
  const std::string& jwk() const;
  // algorithm: ES256, ES384 or ES512 by the curve; RS256, RS384 or RS512. Errors: manifest_unverified.
  Result<> verify(std::string_view algorithm, std::string_view message, std::string_view signature) const;
  // For what verify does not know. Valid as long as a copy of this one.
  evp_pkey_st* openssl_key() const;

private:
  friend class SigningKey;
  explicit PublicKey(std::shared_ptr<const KeyParts> parts) : parts_(std::move(parts)) {}
  std::shared_ptr<const KeyParts> parts_;
};

class SigningKey {
public:
  static Result<SigningKey> generate(); // on P-256. Errors: unknown, if OpenSSL cannot.
  // PEM (`EC PRIVATE KEY`, `RSA PRIVATE KEY` or `PRIVATE KEY`, without a passphrase) or a private JWK in JSON.
  // Errors: invalid.
  static Result<SigningKey> parse(std::string_view text);

  std::string pem() const; // PKCS#8
  const PublicKey& public_key() const { return public_; }
  std::string_view algorithm() const; // ES256, ES384, ES512 or RS256
  // Errors: unknown, if OpenSSL cannot.
  Result<std::string> sign(std::string_view message) const;

private:
  explicit SigningKey(PublicKey key) : public_(std::move(key)) {}
  PublicKey public_; // with the private part inside
};

} // namespace berth::model
