// libldap, loaded when a directory is configured: it brings eleven libraries and 3 MB with it (docs/decisions/0039).
#pragma once

#include <ldap.h>

#include "base/result.h"

namespace berth::auth {

// The functions of it that berth uses, by their names there without `ldap_`.
struct Libldap {
  decltype(&::ldap_initialize) initialize;
  decltype(&::ldap_set_option) set_option;
  decltype(&::ldap_get_option) get_option;
  decltype(&::ldap_start_tls_s) start_tls_s;
  decltype(&::ldap_sasl_bind_s) sasl_bind_s;
  decltype(&::ldap_search_ext_s) search_ext_s;
  decltype(&::ldap_unbind_ext_s) unbind_ext_s;
  decltype(&::ldap_count_entries) count_entries;
  decltype(&::ldap_first_entry) first_entry;
  decltype(&::ldap_get_dn) get_dn;
  decltype(&::ldap_get_values_len) get_values_len;
  decltype(&::ldap_value_free_len) value_free_len;
  decltype(&::ldap_msgfree) msgfree;
  decltype(&::ldap_memfree) memfree;
  decltype(&::ldap_str2dn) str2dn;
  decltype(&::ldap_dnfree) dnfree;
  decltype(&::ldap_err2string) err2string;
  decltype(&::ber_sockbuf_ctrl) ber_sockbuf_ctrl; // of liblber
};

// Loaded once, and never unloaded; what failed is tried again. Errors: io, if it is not installed. Threads: safe.
Result<const Libldap*> libldap();

} // namespace berth::auth
