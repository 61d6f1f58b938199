// HtpasswdSource: the users of an htpasswd file, which may change at any time: whoever gets another password is another
// caller from then on.
// Threads: safe.
#pragma once

#include <memory>
#include <string>

#include "auth/htpasswd_file.h"
#include "auth/identity_source.h"
#include "auth/passwords.h"
#include "base/log.h"

namespace berth::auth {

class HtpasswdSource final : public IdentitySource {
public:
  // Of a name that the file does not have: it is refused, after as much time as a wrong password takes; or it may be
  // another source's.
  enum class Unknown { refused, left };

  // Borrows: the logger. Errors: those of open_htpasswd.
  static Result<std::unique_ptr<HtpasswdSource>> make(const std::string& path, Unknown unknown,
                                                      std::shared_ptr<Passwords> passwords, Logger& logger);

  std::optional<Result<Caller>> identify(const Login& login) override;
  std::optional<bool> is_current(const Caller& caller) override;

private:
  HtpasswdSource(std::unique_ptr<HtpasswdFile> file, Unknown unknown, std::shared_ptr<Passwords> passwords)
      : file_(std::move(file)), unknown_(unknown), passwords_(std::move(passwords)) {}

  const std::unique_ptr<HtpasswdFile> file_;
  const Unknown unknown_;
  const std::shared_ptr<Passwords> passwords_;
};

} // namespace berth::auth
