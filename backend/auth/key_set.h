// KeySet: the keys that may sign tokens, from a bundle of certificates (auth.token.rootcertbundle) and from a JWK set
// (auth.token.jwks).
// Threads: safe, it does not change.
// Spec: RFC 7515 section 4.1, RFC 7517; docker/distribution registry/auth/token, 2.8 (libtrust) and 3 (go-jose).
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <string>
#include <string_view>

#include "auth/certificate_chain.h"
#include "auth/jws.h"
#include "auth/token_key.h"
#include "base/result.h"

namespace berth::auth {

class KeySet {
public:
  // Every certificate of a PEM text is a key, under all its ids, and a root for x5c. Other PEM blocks are passed over.
  // Errors: invalid, also if there is no certificate.
  Result<> add_bundle(std::string_view pem);
  // Keys under their `kid`, or their thumbprint if they have none. Symmetric keys, keys for encryption and those of an
  // unknown kind are passed over. Errors: invalid, also if no key is left, or two have one kid.
  Result<> add_jwks(std::string_view json);

  // The key that a header names: by x5c if that is not empty, else by jwk, else by kid; what comes first decides, and
  // is not made good by what comes later. A jwk is only ever looked up. Nothing is fetched: jku and x5u mean nothing.
  // Errors: unauthorized, with the reason.
  Result<DatedKey> find(const Jws& token, std::chrono::sys_seconds now) const;

  std::size_t size() const { return by_thumbprint_.size(); }

private:
  Result<> add(const std::string& id, const TokenKey& key);

  TrustedRoots roots_;
  std::map<std::string, TokenKey, std::less<>> by_id_;
  std::map<std::string, TokenKey, std::less<>> by_thumbprint_;
};

} // namespace berth::auth
