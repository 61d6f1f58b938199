// TrustedRoots: the certificates that may have issued, or be, the one whose key signs a token (x5c). No others are
// trusted: the system's store is not looked at.
// Threads: safe.
// Spec: RFC 7515 section 4.1.6; RFC 5280.
#pragma once

#include <chrono>
#include <memory>
#include <string_view>

#include "auth/token_key.h"
#include "base/result.h"
#include "model/strict_json.h"

struct x509_store_st; // OpenSSL's

namespace berth::auth {

inline constexpr std::size_t max_chain_certificates = 5;

// A key and when it may be used: from the first to before the second.
struct DatedKey {
  TokenKey key;
  std::chrono::sys_seconds from = std::chrono::sys_seconds::min();
  std::chrono::sys_seconds until = std::chrono::sys_seconds::max();
};

class TrustedRoots {
public:
  TrustedRoots();
  // Errors: invalid.
  Result<> add(std::string_view der);
  // The key of the first certificate of `x5c` if the list leads to a root at that time. Every certificate on the way
  // is valid then, and all but the first are of authorities; revocation is not looked at.
  // Errors: unauthorized, with the reason.
  Result<DatedKey> verify(const model::Json& x5c, std::chrono::sys_seconds now) const;

private:
  std::shared_ptr<x509_store_st> store_;
};

} // namespace berth::auth
