// A private CA and the certificates that it signs, for whoever has no other. Keys are of P-256; all is text in PEM.
#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace berth::app {

struct PemPair {
  std::string certificate;
  std::string key;
};

// A host's name or an address, as in a certificate. A name may begin with "*.".
bool is_host(const std::string& text);

// For ten years, and to sign certificates alone. name: of whom it is, 40 characters of it. Errors: io.
Result<PemPair> make_ca(const std::string& name, Time now);
// A server's certificate for hosts, for 825 days, which is as long as clients of Apple take. Requires: hosts are some,
// and is_host each. Errors: invalid if ca is no pair that can sign; io.
Result<PemPair> make_certificate(const PemPair& ca, const std::vector<std::string>& hosts, Time now);
// The names and addresses that a certificate is for. Errors: invalid.
Result<std::vector<std::string>> hosts_of(const std::string& certificate);

} // namespace berth::app
