#include "auth/certificate_subject.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "auth/caller_name.h"
#include "auth/openssl_owned.h"
#include "model/glob.h"

namespace berth::auth {
namespace {

std::unexpected<Error> refused(std::string why) {
  return fail(Code::unauthorized, "the certificate " + std::move(why));
}

std::string_view text_of(const ASN1_STRING* string) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(string)),
          static_cast<std::size_t>(ASN1_STRING_length(string))};
}

// The first subjectAltName of a kind.
Result<std::string> alternative_name(const X509* certificate, int kind) {
  const Owned<GENERAL_NAMES, GENERAL_NAMES_free> names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int at = 0; names && at < sk_GENERAL_NAME_num(names.get()); ++at) {
    int found = 0;
    const void* const value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names.get(), at), &found);
    if (found == kind) return std::string(text_of(static_cast<const ASN1_STRING*>(value)));
  }
  return refused(kind == GEN_URI ? "has no URI as subjectAltName" : "has no DNS name as subjectAltName");
}

Result<std::string> common_name(const X509* certificate) {
  const X509_NAME* const subject = X509_get_subject_name(certificate);
  const int first = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (first < 0) return refused("has no common name");
  if (X509_NAME_get_index_by_NID(subject, NID_commonName, first) >= 0) return refused("has several common names");
  unsigned char* utf8 = nullptr;
  const int size = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, first)));
  if (size < 0) return refused("has a common name that is no text");
  std::string name(reinterpret_cast<const char*>(utf8), static_cast<std::size_t>(size));
  OPENSSL_free(utf8);
  return name;
}

} // namespace

Result<Caller> CertificateSubject::of(std::string_view pem) const {
  const Owned<BIO, BIO_free_all> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  const Owned<X509, X509_free> certificate(bio ? PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr) : nullptr);
  ERR_clear_error();
  if (!certificate) return refused("is none");
  BERTH_TRY(const std::string name, from == From::common_name
                                        ? common_name(certificate.get())
                                        : alternative_name(certificate.get(), from == From::uri ? GEN_URI : GEN_DNS));
  ERR_clear_error();
  if (name.empty() || name.size() > max_name_bytes || !is_plain_utf8(name))
    return refused("has a name that is empty, longer than 255 bytes or no plain text");
  if (!pattern.empty() && !model::matches_glob(pattern, name))
    return refused("has a name that berth.access.certificates.pattern does not match");
  return Caller{.user = "cert:" + name, .kind = Caller::Kind::certificate};
}

} // namespace berth::auth
