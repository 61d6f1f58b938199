// CertificateSubject: the caller that a client's certificate names. nginx has verified the certificate
// (http.tls.clientcas). A value; threads: safe. Spec: RFC 5280 sections 4.1.2.6 and 4.2.1.6.
#pragma once

#include <string>
#include <string_view>

#include "auth/access.h"
#include "base/result.h"

namespace berth::auth {

struct CertificateSubject {
  // The part of the certificate that is the name: the first subjectAltName of that kind, or the one common name.
  enum class From { uri, dns, common_name } from = From::common_name;
  std::string pattern = {}; // a glob that the name must match; empty: any

  // The caller "cert:NAME". Errors: unauthorized, with the reason: no such name, several common names, a name with
  // control characters or longer than 255 bytes, one that the pattern does not match.
  Result<Caller> of(std::string_view pem) const;
};

} // namespace berth::auth
