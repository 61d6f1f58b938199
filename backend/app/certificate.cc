#include "app/certificate.h"

#include <openssl/pem.h>
#include <openssl/x509.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

namespace berth::app {
namespace {

using File = std::unique_ptr<FILE, int (*)(FILE*)>;

Result<File> open_file(const std::string& path) {
  File file(std::fopen(path.c_str(), "re"), std::fclose);
  if (!file) return fail(Code::invalid, path + ": " + std::strerror(errno));
  return file;
}

// A key with a passphrase is of no use to a server that starts by itself: do not ask for one.
int no_passphrase(char*, int, int, void*) { return 0; }

} // namespace

Result<> check_certificate(const std::string& certificate_file, const std::string& key_file, Time now) {
  BERTH_TRY(const File certificate_pem, open_file(certificate_file));
  BERTH_TRY(const File key_pem, open_file(key_file));
  const std::unique_ptr<X509, void (*)(X509*)> certificate(
      PEM_read_X509(certificate_pem.get(), nullptr, no_passphrase, nullptr), X509_free);
  if (!certificate) return fail(Code::invalid, certificate_file + ": holds no certificate in PEM form");
  const std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)> key(
      PEM_read_PrivateKey(key_pem.get(), nullptr, no_passphrase, nullptr), EVP_PKEY_free);
  if (!key) return fail(Code::invalid, key_file + ": holds no private key in PEM form without a passphrase");
  if (X509_check_private_key(certificate.get(), key.get()) != 1)
    return fail(Code::invalid, key_file + ": is not the key of " + certificate_file);
  time_t seconds = std::chrono::system_clock::to_time_t(std::chrono::floor<std::chrono::seconds>(now));
  if (X509_cmp_time(X509_get0_notAfter(certificate.get()), &seconds) < 0)
    return fail(Code::invalid, certificate_file + ": has expired");
  if (X509_cmp_time(X509_get0_notBefore(certificate.get()), &seconds) > 0)
    return fail(Code::invalid, certificate_file + ": is not valid yet");
  return {};
}

} // namespace berth::app
