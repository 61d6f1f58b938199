// DirectorySource: callers that another service knows by name and password: saslauthd, an LDAP directory. It is the
// last source to be asked: every name may be one of its.
//
// How long an answer counts. The service tells nobody when a password changes or an account is closed. So
//  - a right password is remembered for five minutes (Passwords), with the groups, and then asked about again;
//  - a stamp says which service vouched, and when. is_current holds until the lifetime of a token of ours has passed
//    after those five minutes: no token is worth less than its lifetime, in whatever pool it is shown, and none (a
//    refresh token neither) is worth more. It does not ask the service: it has no password to ask with.
// A closed account can so pull and push for the lifetime of a token and five minutes at most.
// Threads: safe.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <string>

#include "auth/identity_source.h"
#include "auth/password_store.h"
#include "auth/passwords.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "base/result.h"

namespace berth::auth {

class DirectorySource final : public IdentitySource {
public:
  struct Options {
    std::string name;                         // in stamps: no digits and no @
    std::chrono::seconds token_lifetime{900}; // of our tokens
    PasswordLimits limits = directory_limits();
  };
  // Five minutes, and eight questions at once: whoever waits for another service needs no processor.
  static PasswordLimits directory_limits();

  // The log has one line when the service cannot be asked, and one when it can again. Borrows: clock, logger. The
  // store's callers are taken as they are, but for the stamp.
  DirectorySource(Options options, std::unique_ptr<PasswordStore> store, const Clock& clock, Random& random,
                  Logger& logger);

  // Nothing for a Bearer token and for what can be no user's name (caller_name.h). Refuses empty passwords, and those
  // with a NUL, without asking. Errors: those of Passwords::verify, without
  // what the store says: that is for the log.
  std::optional<Result<Caller>> identify(const Login& login) override;
  std::optional<bool> is_current(const Caller& caller) override;

private:
  // The store, whose callers get stamps.
  class Stamped final : public PasswordStore {
  public:
    Stamped(std::string name, std::unique_ptr<PasswordStore> store, const Clock& clock, Logger& logger)
        : name_(std::move(name)), store_(std::move(store)), clock_(clock), logger_(logger) {}
    std::string stamp_of(std::string_view user) const override { return store_->stamp_of(user); }
    Result<Caller> check(std::string_view user, std::string_view password) const override;

  private:
    const std::string name_;
    const std::unique_ptr<PasswordStore> store_;
    const Clock& clock_;
    Logger& logger_;
    mutable std::atomic<bool> answers_ = true;
  };

  const Options options_;
  const Clock& clock_;
  const Stamped store_;
  Passwords passwords_;
};

} // namespace berth::auth
