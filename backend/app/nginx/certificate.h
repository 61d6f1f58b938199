// The certificate and its key, read and checked before nginx is told to serve them.
#pragma once

#include <optional>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "config/config.h"

namespace berth::app {

struct CertificatePair {
  std::string certificate; // the files' text
  std::string key;
  std::string client_cas = {};   // who signs the certificates of clients: the files one after another
  std::optional<Time> ends = {}; // of the certificate, or of one in its chain that ends sooner; absent: no TLS
};

// Reads both files. Errors: invalid; the message names the file and says what is wrong: not readable, not PEM, a key
// that does not match, expired, not valid yet.
Result<CertificatePair> read_certificate(const std::string& certificate_file, const std::string& key_file, Time now);

// Certificate, key and http.tls.clientcas as config.yml names them; all empty without TLS. Errors: as above.
Result<CertificatePair> read_tls_files(const config::Config::Http& http, Time now);

} // namespace berth::app
