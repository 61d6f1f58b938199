#include "auth/certificate_subject.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <catch2/catch.hpp>

#include <memory>

#include "auth/openssl_owned.h"

namespace berth::auth {
namespace {

using From = CertificateSubject::From;

// A certificate with these common names, and a subjectAltName as OpenSSL's configuration writes it ("" for none).
std::string certificate(const std::vector<std::string>& common_names, const std::string& alternative = "") {
  static const std::shared_ptr<EVP_PKEY> key(EVP_EC_gen("P-256"), EVP_PKEY_free);
  const Owned<X509, X509_free> made(X509_new());
  X509_NAME* const subject = X509_get_subject_name(made.get());
  for (const std::string& name : common_names)
    REQUIRE(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, raw(name), static_cast<int>(name.size()), -1, 0) ==
            1);
  X509_gmtime_adj(X509_getm_notBefore(made.get()), 0);
  X509_gmtime_adj(X509_getm_notAfter(made.get()), 3600);
  X509_set_version(made.get(), 2);
  X509_set_pubkey(made.get(), key.get());
  if (!alternative.empty()) {
    X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, alternative.c_str());
    REQUIRE(extension != nullptr);
    X509_add_ext(made.get(), extension, -1);
    X509_EXTENSION_free(extension);
  }
  REQUIRE(X509_sign(made.get(), key.get(), EVP_sha256()) > 0);
  const Owned<BIO, BIO_free_all> bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(bio.get(), made.get());
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

// The caller's name, or why there is none.
std::string name_of(const CertificateSubject& subject, const std::string& pem) {
  const auto caller = subject.of(pem);
  if (!caller) {
    CHECK(caller.error().code == Code::unauthorized);
    return caller.error().message;
  }
  CHECK(caller->kind == Caller::Kind::certificate);
  CHECK(caller->stamp.empty());
  return caller->user;
}

const std::string all = "DNS:build.example, URI:spiffe://example/ns/ci/sa/builder, DNS:other.example, URI:spiffe://b, "
                        "email:a@b";

} // namespace

TEST_CASE("a certificate names its caller as the configuration says") {
  const std::string pem = certificate({"builder"}, all);
  CHECK(name_of({From::common_name}, pem) == "cert:builder");
  CHECK(name_of({From::dns}, pem) == "cert:build.example");
  CHECK(name_of({From::uri}, pem) == "cert:spiffe://example/ns/ci/sa/builder");
  CHECK(name_of({From::common_name}, certificate({"Jörg, Büro"})) == "cert:Jörg, Büro");
}

TEST_CASE("a certificate without the one name is nobody's") {
  CHECK(name_of({From::common_name}, certificate({}, all)) == "the certificate has no common name");
  CHECK(name_of({From::common_name}, certificate({"a", "b"})) == "the certificate has several common names");
  CHECK(name_of({From::uri}, certificate({"a"})) == "the certificate has no URI as subjectAltName");
  CHECK(name_of({From::dns}, certificate({"a"}, "URI:spiffe://b")) ==
        "the certificate has no DNS name as subjectAltName");
}

TEST_CASE("a name must be one that can be shown") {
  const std::string why = "the certificate has a name that is empty, longer than 255 bytes or no plain text";
  CHECK(name_of({From::common_name}, certificate({"a\nb"})) == why);
  CHECK(name_of({From::common_name}, certificate({std::string("a\0b", 3)})) == why);
  CHECK(name_of({From::uri}, certificate({"a"}, "URI:spiffe://" + std::string(247, 'x'))) == why);
  CHECK(name_of({From::uri}, certificate({"a"}, "URI:spiffe://" + std::string(246, 'x'))).starts_with("cert:spiffe"));
}

TEST_CASE("a pattern must fit the name") {
  const std::string pem = certificate({"builder"}, all);
  const std::string why = "the certificate has a name that berth.access.certificates.pattern does not match";
  CHECK(name_of({From::uri, "spiffe://example/ns/*/sa/*"}, pem) == "cert:spiffe://example/ns/ci/sa/builder");
  CHECK(name_of({From::uri, "spiffe://other/**"}, pem) == why);
  CHECK(name_of({From::common_name, "build"}, pem) == why);
}

TEST_CASE("what is no certificate is nobody's") {
  for (const std::string& text : {std::string(), std::string("-----BEGIN CERTIFICATE-----\n"), std::string(1000, 'x'),
                                  certificate({"a"}).replace(100, 4, "!!!!")})
    CHECK(name_of({From::common_name}, text) == "the certificate is none");
}

} // namespace berth::auth
