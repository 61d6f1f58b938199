#include "app/nginx/certificate.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <algorithm>
#include <ctime>
#include <memory>

#include "base/small_file.h"

namespace berth::app {
namespace {

constexpr std::size_t max_file_bytes = 1 << 20;

using Memory = std::unique_ptr<BIO, int (*)(BIO*)>;

Memory memory_of(const std::string& text) {
  return Memory(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), BIO_free);
}

Result<std::string> read_text(const std::string& path) {
  auto text = read_small_file(path, max_file_bytes);
  if (text) return text;
  if (is(text.error(), Code::size_invalid))
    return fail(Code::invalid, path + ": is too long for a certificate or a key");
  return fail(Code::invalid, path + ": cannot be read (" + text.error().message + ")");
}

// A key with a passphrase is of no use to a server that starts by itself: do not ask for one.
int no_passphrase(char*, int, int, void*) { return 0; }

Time end_of(const X509& certificate) {
  std::tm end{};
  ASN1_TIME_to_tm(X509_get0_notAfter(&certificate), &end);
  const std::chrono::seconds since_1970(::timegm(&end)); // up to the year 9999, which a Time does not reach
  return Time(std::min(since_1970, std::chrono::floor<std::chrono::seconds>(Time::max().time_since_epoch())));
}

// When the first of the certificates of a PEM text ends. Requires: there is one.
Time first_end(const std::string& text) {
  Time first = Time::max();
  const Memory memory = memory_of(text);
  for (;;) {
    const std::unique_ptr<X509, void (*)(X509*)> one(PEM_read_bio_X509(memory.get(), nullptr, no_passphrase, nullptr),
                                                     X509_free);
    if (!one) break;
    first = std::min(first, end_of(*one));
  }
  ERR_clear_error(); // the end of the text is one
  return first;
}

} // namespace

Result<CertificatePair> read_certificate(const std::string& certificate_file, const std::string& key_file, Time now) {
  CertificatePair pair;
  BERTH_TRY(pair.certificate, read_text(certificate_file));
  BERTH_TRY(pair.key, read_text(key_file));
  const std::unique_ptr<X509, void (*)(X509*)> certificate(
      PEM_read_bio_X509(memory_of(pair.certificate).get(), nullptr, no_passphrase, nullptr), X509_free);
  if (!certificate) return fail(Code::invalid, certificate_file + ": holds no certificate in PEM form");
  const std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)> key(
      PEM_read_bio_PrivateKey(memory_of(pair.key).get(), nullptr, no_passphrase, nullptr), EVP_PKEY_free);
  if (!key) return fail(Code::invalid, key_file + ": holds no private key in PEM form without a passphrase");
  if (X509_check_private_key(certificate.get(), key.get()) != 1)
    return fail(Code::invalid, key_file + ": is not the key of " + certificate_file);
  time_t seconds = std::chrono::system_clock::to_time_t(std::chrono::floor<std::chrono::seconds>(now));
  if (X509_cmp_time(X509_get0_notAfter(certificate.get()), &seconds) < 0)
    return fail(Code::invalid, certificate_file + ": has expired");
  if (X509_cmp_time(X509_get0_notBefore(certificate.get()), &seconds) > 0)
    return fail(Code::invalid, certificate_file + ": is not valid yet");
  pair.ends = first_end(pair.certificate);
  return pair;
}

Result<CertificatePair> read_tls_files(const config::Config::Http& http, Time now) {
  if (http.tls_certificate.empty()) return CertificatePair{};
  BERTH_TRY(CertificatePair pair, read_certificate(http.tls_certificate, http.tls_key, now));
  for (const std::string& path : http.client_cas) {
    BERTH_TRY(const std::string text, read_text(path));
    const std::unique_ptr<X509, void (*)(X509*)> first(
        PEM_read_bio_X509(memory_of(text).get(), nullptr, no_passphrase, nullptr), X509_free);
    if (!first) return fail(Code::invalid, path + ": holds no certificate in PEM form");
    pair.client_cas += text + "\n";
  }
  return pair;
}

} // namespace berth::app
