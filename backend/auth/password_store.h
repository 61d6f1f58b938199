// PasswordStore: what knows users and can say whether a password is theirs, slowly: an htpasswd file, saslauthd, a
// directory. Passwords (passwords.h) asks it, and remembers. Threads: safe.
#pragma once

#include <string>
#include <string_view>

#include "auth/access.h"
#include "base/result.h"

namespace berth::auth {

class PasswordStore {
public:
  virtual ~PasswordStore() = default;

  // A text that changes when what was remembered of the user no longer holds; empty: there is no such user, or the
  // store cannot know. Cheap.
  virtual std::string stamp_of(std::string_view user) const = 0;

  // Takes long: milliseconds to seconds. Takes as long for a user who is not there, as far as the store can see to it.
  // Errors: unauthorized if the password is not the user's; unavailable if the store cannot say now.
  virtual Result<Caller> check(std::string_view user, std::string_view password) const = 0;
};

} // namespace berth::auth
