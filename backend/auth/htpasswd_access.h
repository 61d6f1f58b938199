// HtpasswdAccess: auth.htpasswd, as docker/distribution has it: every user of the file may do everything; other callers
// may do nothing. Threads: safe.
#pragma once

#include <expected>
#include <memory>
#include <string>

#include "auth/access.h"
#include "auth/htpasswd_source.h"
#include "auth/passwords.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "base/result.h"

namespace berth::auth {

class HtpasswdAccess final : public AccessController {
public:
  struct Options {
    std::string realm;
    std::string path; // of the file, absolute
    PasswordLimits limits = {};
  };

  // Borrows the clock and the logger. Errors: those of open_htpasswd.
  static Result<std::unique_ptr<HtpasswdAccess>> make(const Options& options, const Clock& clock, Random& random,
                                                      Logger& logger);

  // Refusals: unauthorized, too_many_requests.
  std::expected<Grant, Refusal> authorize(const Question& question) override;

  const Passwords& passwords() const { return *passwords_; }

private:
  HtpasswdAccess(std::string challenge, std::unique_ptr<HtpasswdSource> users,
                 std::shared_ptr<const Passwords> passwords)
      : challenge_(std::move(challenge)), users_(std::move(users)), passwords_(std::move(passwords)) {}

  const std::string challenge_;
  const std::unique_ptr<HtpasswdSource> users_;
  const std::shared_ptr<const Passwords> passwords_;
};

} // namespace berth::auth
