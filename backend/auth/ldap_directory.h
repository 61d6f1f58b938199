// LdapDirectory: users of an LDAP directory, with their groups. The account that searches finds the user's entry; then
// the password is tried with a bind as that entry, on a connection of its own.
// Threads: safe; two connections a question. Spec: RFC 4511 (sections 4.2, 4.5, 4.14), RFC 4513, RFC 4515.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "auth/password_store.h"
#include "base/result.h"

namespace berth::auth {

struct Libldap;

// A text as a value in a filter. Spec: RFC 4515 section 3.
std::string escape_filter_value(std::string_view text);

class LdapDirectory final : public PasswordStore {
public:
  struct Options {
    std::string url; // ldap:// or ldaps://
    bool start_tls = false;
    std::string ca = {};                               // absolute path; empty: the system's
    std::string bind_dn = {}, bind_password_file = {}; // of the account that searches; empty: nobody
    std::string base;
    std::string filter = "(uid={user})";      // of exactly one entry; the user's name is escaped
    std::string group_attribute = "memberOf"; // of the entry: DNs, or names; empty: no groups
    std::chrono::milliseconds timeout{5000};  // of a question, but for the look-up of the host's name
  };
  // Loads libldap, and asks nothing yet. Errors: invalid; io if there is no libldap; the message begins with the key of
  // the configuration.
  static Result<std::unique_ptr<LdapDirectory>> make(Options options);

  std::string stamp_of(std::string_view) const override { return {}; }
  // A group's name is the first value of its DN, or the attribute's value if that is no DN; what can be no name is left
  // out. Errors: unauthorized also if there is no such user, or several; unavailable, with libldap's text. Requires:
  // the password is not empty.
  Result<Caller> check(std::string_view user, std::string_view password) const override;

private:
  LdapDirectory(Options options, const Libldap& ldap) : options_(std::move(options)), ldap_(ldap) {}

  const Options options_;
  const Libldap& ldap_;
};

} // namespace berth::auth
