#include "app/commands/private_ca.h"

#include <arpa/inet.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>

#include "auth/openssl_owned.h"

namespace berth::app {
namespace {

using auth::Owned;
using Key = Owned<EVP_PKEY, EVP_PKEY_free>;
using Certificate = Owned<X509, X509_free>;
using Bio = Owned<BIO, BIO_free>;

constexpr std::chrono::days ca_days{3650}, certificate_days{825};
constexpr std::chrono::hours clocks_differ{1};
constexpr int serial_bits = 159; // 20 bytes, and positive
constexpr std::size_t max_common_name = 64, max_whose = 40;

std::unexpected<Error> failed(const char* what) { return fail(Code::io, std::string("OpenSSL: ") + what); }

bool is_address(const std::string& text) {
  std::array<unsigned char, 16> address{};
  return ::inet_pton(AF_INET, text.c_str(), address.data()) == 1 ||
         ::inet_pton(AF_INET6, text.c_str(), address.data()) == 1;
}

bool add_extension(X509& certificate, X509& issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, &issuer, &certificate, nullptr, nullptr, 0);
  const Owned<X509_EXTENSION, X509_EXTENSION_free> extension(
      X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  return extension && X509_add_ext(&certificate, extension.get(), -1) == 1;
}

bool set_time(ASN1_TIME* time, Time value) {
  return ASN1_TIME_set(time, std::chrono::system_clock::to_time_t(std::chrono::floor<std::chrono::seconds>(value))) !=
         nullptr;
}

bool set_serial(X509& certificate) {
  const Owned<BIGNUM, BN_free> number(BN_new());
  return number && BN_rand(number.get(), serial_bits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 &&
         BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(&certificate)) != nullptr;
}

// A certificate for the key, without extensions and signature.
Certificate begin_certificate(EVP_PKEY& key, const std::string& common_name, Time now, std::chrono::days days) {
  Certificate made(X509_new());
  if (!made || X509_set_version(made.get(), X509_VERSION_3) != 1 || !set_serial(*made) ||
      !set_time(X509_getm_notBefore(made.get()), now - clocks_differ) ||
      !set_time(X509_getm_notAfter(made.get()), now + days) || X509_set_pubkey(made.get(), &key) != 1 ||
      X509_NAME_add_entry_by_NID(X509_get_subject_name(made.get()), NID_commonName, MBSTRING_UTF8,
                                 auth::raw(common_name), static_cast<int>(common_name.size()), -1, 0) != 1)
    return nullptr;
  return made;
}

std::string text_of(BIO& memory) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(&memory, &data);
  return {data, static_cast<std::size_t>(size)};
}

Result<PemPair> in_pem(X509& certificate, EVP_PKEY& key) {
  const Bio certificate_text(BIO_new(BIO_s_mem())), key_text(BIO_new(BIO_s_secmem()));
  if (!certificate_text || !key_text || PEM_write_bio_X509(certificate_text.get(), &certificate) != 1 ||
      PEM_write_bio_PKCS8PrivateKey(key_text.get(), &key, nullptr, nullptr, 0, nullptr, nullptr) != 1)
    return failed("cannot write a certificate");
  return PemPair{text_of(*certificate_text), text_of(*key_text)};
}

Bio memory_of(const std::string& text) { return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))); }

Certificate read_certificate(const std::string& text) {
  return Certificate(PEM_read_bio_X509(memory_of(text).get(), nullptr, nullptr, nullptr));
}

std::string name_of(const GENERAL_NAME& name) {
  int type = 0;
  const auto* value = static_cast<const ASN1_STRING*>(GENERAL_NAME_get0_value(&name, &type));
  const unsigned char* bytes = ASN1_STRING_get0_data(value);
  const auto size = static_cast<std::size_t>(ASN1_STRING_length(value));
  if (type == GEN_DNS) return {reinterpret_cast<const char*>(bytes), size};
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (type == GEN_IPADD && (size == 4 || size == 16))
    return ::inet_ntop(size == 4 ? AF_INET : AF_INET6, bytes, text.data(), text.size());
  return {};
}

} // namespace

bool is_host(const std::string& text) {
  if (is_address(text)) return true;
  const std::string name = text.starts_with("*.") ? text.substr(2) : text;
  const auto may_be_in_it = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == '_';
  };
  constexpr std::size_t max_name = 253;
  return !name.empty() && name.size() <= max_name && std::ranges::all_of(name, may_be_in_it) && name.front() != '.' &&
         name.front() != '-' && !name.contains("..");
}

Result<PemPair> make_ca(const std::string& name, Time now) {
  const Key key(EVP_EC_gen("P-256"));
  if (!key) return failed("cannot make a key");
  // With the date: two of one host must not have one name.
  const std::string whose = "berth CA of " + name.substr(0, max_whose) + ", " + to_rfc3339(now).substr(0, 10);
  const Certificate made = begin_certificate(*key, whose.substr(0, max_common_name), now, ca_days);
  if (!made || X509_set_issuer_name(made.get(), X509_get_subject_name(made.get())) != 1 ||
      !add_extension(*made, *made, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") ||
      !add_extension(*made, *made, NID_key_usage, "critical,keyCertSign,cRLSign") ||
      !add_extension(*made, *made, NID_subject_key_identifier, "hash") ||
      X509_sign(made.get(), key.get(), EVP_sha256()) == 0)
    return failed("cannot make a CA");
  return in_pem(*made, *key);
}

Result<PemPair> make_certificate(const PemPair& ca, const std::vector<std::string>& hosts, Time now) {
  const Certificate issuer = read_certificate(ca.certificate);
  const Key issuer_key(PEM_read_bio_PrivateKey(memory_of(ca.key).get(), nullptr, nullptr, nullptr));
  if (!issuer || !issuer_key || X509_check_private_key(issuer.get(), issuer_key.get()) != 1)
    return fail(Code::invalid, "the CA's certificate and its key do not belong together");
  const Key key(EVP_EC_gen("P-256"));
  if (!key) return failed("cannot make a key");
  std::string names;
  for (const std::string& host : hosts)
    names += (names.empty() ? "" : ",") + std::string(is_address(host) ? "IP:" : "DNS:") + host;
  const std::string common = hosts.front().size() <= max_common_name ? hosts.front() : "registry";
  const Certificate made = begin_certificate(*key, common, now, certificate_days);
  if (!made || X509_set_issuer_name(made.get(), X509_get_subject_name(issuer.get())) != 1 ||
      !add_extension(*made, *issuer, NID_basic_constraints, "critical,CA:FALSE") ||
      !add_extension(*made, *issuer, NID_key_usage, "critical,digitalSignature") ||
      !add_extension(*made, *issuer, NID_ext_key_usage, "serverAuth") ||
      !add_extension(*made, *issuer, NID_subject_alt_name, names) ||
      !add_extension(*made, *issuer, NID_subject_key_identifier, "hash") ||
      !add_extension(*made, *issuer, NID_authority_key_identifier, "keyid") ||
      X509_sign(made.get(), issuer_key.get(), EVP_sha256()) == 0)
    return failed("cannot make a certificate");
  return in_pem(*made, *key);
}

Result<std::vector<std::string>> hosts_of(const std::string& certificate) {
  const Certificate read = read_certificate(certificate);
  if (!read) return fail(Code::invalid, "holds no certificate in PEM form");
  const Owned<GENERAL_NAMES, GENERAL_NAMES_free> names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(read.get(), NID_subject_alt_name, nullptr, nullptr)));
  std::vector<std::string> hosts;
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i)
    if (std::string host = name_of(*sk_GENERAL_NAME_value(names.get(), i)); is_host(host))
      hosts.push_back(std::move(host));
  if (hosts.empty()) return fail(Code::invalid, "holds a certificate without names");
  return hosts;
}

} // namespace berth::app
