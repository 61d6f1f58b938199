// TokenKey: a public key that may sign tokens: RSA, EC on P-256, P-384 or P-521, Ed25519. A value; copies share the
// key. Threads: safe. Spec: RFC 7517, RFC 7518, RFC 7638 (thumbprints), RFC 8037 (Ed25519).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/jws_key.h"
#include "model/strict_json.h"

namespace berth::auth {

// The RFC 7638 thumbprint of a JWK as it is written; empty if TokenKey does not know its kind.
std::string thumbprint_of(const model::Json& jwk);

class TokenKey {
public:
  // Errors: invalid; unsupported for a kind of key that is not ours. The message says what is wrong.
  static Result<TokenKey> from_certificate(std::string_view der);
  // Ignores the private part. Errors: as above.
  static Result<TokenKey> from_jwk(const model::Json& jwk);

  const std::string& thumbprint() const { return ids_.front(); }
  // The names by which a token may refer to the key: the thumbprint; for EC also as docker/distribution 3 computes it,
  // from coordinates without leading zeros; for RSA and EC libtrust's id, as docker/distribution 2 does.
  const std::vector<std::string>& ids() const { return ids_; }
  // Any algorithm; one that does not fit the key's type and curve is refused. Errors: unauthorized.
  Result<> verify(std::string_view algorithm, std::string_view message, std::string_view signature) const;

private:
  static TokenKey of(model::PublicKey key);
  static Result<TokenKey> of_ed25519(std::shared_ptr<evp_pkey_st> key);

  std::optional<model::PublicKey> key_; // none: Ed25519
  std::shared_ptr<evp_pkey_st> ed25519_;
  std::vector<std::string> ids_;
};

} // namespace berth::auth
