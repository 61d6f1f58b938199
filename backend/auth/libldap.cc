#include "auth/libldap.h"

#include <mutex>
#include <optional>

#include "base/shared_library.h"

namespace berth::auth {
namespace {

constexpr const char* file_name = "libldap-2.5.so.0"; // of the headers that berth is built with

Result<Libldap> load() {
  BERTH_TRY(SharedLibrary library, SharedLibrary::open(file_name));
  Libldap ldap{};
  library.find("ldap_initialize", ldap.initialize);
  library.find("ldap_set_option", ldap.set_option);
  library.find("ldap_get_option", ldap.get_option);
  library.find("ldap_start_tls_s", ldap.start_tls_s);
  library.find("ldap_sasl_bind_s", ldap.sasl_bind_s);
  library.find("ldap_search_ext_s", ldap.search_ext_s);
  library.find("ldap_unbind_ext_s", ldap.unbind_ext_s);
  library.find("ldap_count_entries", ldap.count_entries);
  library.find("ldap_first_entry", ldap.first_entry);
  library.find("ldap_get_dn", ldap.get_dn);
  library.find("ldap_get_values_len", ldap.get_values_len);
  library.find("ldap_value_free_len", ldap.value_free_len);
  library.find("ldap_msgfree", ldap.msgfree);
  library.find("ldap_memfree", ldap.memfree);
  library.find("ldap_str2dn", ldap.str2dn);
  library.find("ldap_dnfree", ldap.dnfree);
  library.find("ldap_err2string", ldap.err2string);
  library.find("ber_sockbuf_ctrl", ldap.ber_sockbuf_ctrl);
  BERTH_CHECK(library.check());
  return ldap;
}

} // namespace

Result<const Libldap*> libldap() {
  static std::mutex mutex;
  static std::optional<Libldap> loaded;
  const std::lock_guard lock(mutex);
  if (!loaded) {
    const auto made = load();
    if (!made) return fail(Code::io, "cannot ask a directory: " + made.error().message);
    loaded = *made;
  }
  return &*loaded;
}

} // namespace berth::auth
