// Saslauthd: users and passwords that the daemon of Cyrus SASL knows, and what stands behind it: PAM, Kerberos, LDAP,
// a database. It answers yes or no, and knows no groups. Threads: safe; a connection a question.
// Spec: cyrus-sasl, saslauthd/saslauthd-main.c and lib/checkpw.c (saslauthd_verify_password).
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "auth/password_store.h"
#include "base/result.h"

namespace berth::auth {

class Saslauthd final : public PasswordStore {
public:
  struct Options {
    std::string socket;                      // absolute path: /run/saslauthd/mux
    std::string service = "berth";           // for PAM: the file in /etc/pam.d
    std::chrono::milliseconds timeout{5000}; // of a question
  };
  explicit Saslauthd(Options options) : options_(std::move(options)) {}

  std::string stamp_of(std::string_view) const override { return {}; }
  // Errors: unauthorized for a no, and for what is too long to be asked (255 bytes); unavailable, with the reason, if
  // there is no answer in time, or another one than yes or no.
  Result<Caller> check(std::string_view user, std::string_view password) const override;

private:
  const Options options_;
};

} // namespace berth::auth
