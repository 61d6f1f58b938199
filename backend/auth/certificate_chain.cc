#include "auth/certificate_chain.h"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <ctime>
#include <optional>
#include <string>
#include <vector>

#include "auth/openssl_owned.h"
#include "base/encoding.h"

namespace berth::auth {
namespace {

using std::chrono::sys_seconds;
using Certificate = Owned<X509, X509_free>;
using Context = Owned<X509_STORE_CTX, X509_STORE_CTX_free>;

void free_stack(STACK_OF(X509) * stack) { sk_X509_free(stack); } // not what is in it

constexpr int weakest_level = 1; // 80 bits: neither SHA-1 nor RSA below 1024 bits in a chain

std::unexpected<Error> refused(std::string why) { return fail(Code::unauthorized, "x5c: " + std::move(why)); }

Certificate parse(std::string_view der) {
  const unsigned char* at = raw(der);
  Certificate certificate(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  ERR_clear_error();
  if (at != raw(der) + der.size()) return nullptr; // something after it
  return certificate;
}

std::optional<sys_seconds> seconds_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return std::nullopt;
  return sys_seconds(std::chrono::seconds(::timegm(&parts)));
}

// Bounds the time of a key by those of a chain.
Result<> bound(DatedKey& key, STACK_OF(X509) * chain) {
  for (int at = 0; at < sk_X509_num(chain); ++at) {
    const auto from = seconds_of(X509_get0_notBefore(sk_X509_value(chain, at)));
    const auto until = seconds_of(X509_get0_notAfter(sk_X509_value(chain, at)));
    if (!from || !until) return refused("a date that is none");
    key.from = std::max(key.from, *from);
    key.until = std::min(key.until, *until);
  }
  return {};
}

} // namespace

TrustedRoots::TrustedRoots() : store_(X509_STORE_new(), X509_STORE_free) {}

Result<> TrustedRoots::add(std::string_view der) {
  const Certificate certificate = parse(der);
  if (!certificate || !store_ || X509_STORE_add_cert(store_.get(), certificate.get()) != 1)
    return fail(Code::invalid, "not a certificate");
  return {};
}

Result<DatedKey> TrustedRoots::verify(const model::Json& x5c, sys_seconds now) const {
  if (!x5c.is_array() || x5c.empty() || x5c.size() > max_chain_certificates)
    return refused("not a list of one to five certificates");
  std::vector<Certificate> certificates;
  std::string leaf_der;
  for (const model::Json& entry : x5c) {
    auto der = entry.is_string() ? from_base64(entry.get_ref<const std::string&>()) : fail(Code::invalid);
    if (!der || !(certificates.emplace_back(parse(*der)))) return refused("not a certificate in base64");
    if (certificates.size() == 1) leaf_der = *std::move(der);
  }
  const Owned<STACK_OF(X509), free_stack> others(sk_X509_new_null());
  for (std::size_t at = 1; at < certificates.size(); ++at) sk_X509_push(others.get(), certificates[at].get());

  const Context context(X509_STORE_CTX_new());
  if (!store_ || !others || !context ||
      X509_STORE_CTX_init(context.get(), store_.get(), certificates.front().get(), others.get()) != 1)
    return refused("OpenSSL cannot begin");
  X509_VERIFY_PARAM* const rules = X509_STORE_CTX_get0_param(context.get());
  X509_VERIFY_PARAM_set_flags(rules, X509_V_FLAG_PARTIAL_CHAIN); // every certificate of the bundle is a root
  X509_VERIFY_PARAM_set_purpose(rules, X509_PURPOSE_ANY);
  X509_VERIFY_PARAM_set_auth_level(rules, weakest_level);
  X509_VERIFY_PARAM_set_time(rules, now.time_since_epoch().count());
  const bool trusted = X509_verify_cert(context.get()) == 1;
  ERR_clear_error();
  if (!trusted) return refused(X509_verify_cert_error_string(X509_STORE_CTX_get_error(context.get())));
  auto key = TokenKey::from_certificate(leaf_der);
  if (!key) return refused(key.error().message);
  DatedKey dated{*std::move(key)};
  BERTH_CHECK(bound(dated, X509_STORE_CTX_get0_chain(context.get())));
  return dated;
}

} // namespace berth::auth
