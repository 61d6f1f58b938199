// Files of users and bcrypt hashes, as `htpasswd -B` makes them, read as docker/distribution reads them.
// Spec: docker/distribution, registry/auth/htpasswd; crypt(5), "bcrypt".
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "auth/password_store.h"
#include "base/random.h"
#include "base/result.h"

namespace berth::auth {

// The entries of a file. Threads: safe, as it never changes.
class Htpasswd final : public PasswordStore {
public:
  struct Entry {
    std::string hash;  // the 60 characters of bcrypt; empty: of another kind, and no password is right
    std::string stamp; // 32 hexadecimal digits that change with the line; the same in every process
  };

  // Blank lines and those that begin with # are skipped; of two lines of a user the last counts. A user without a name
  // is left out. Errors: invalid for a line without a colon; the message has its number and nothing of what it says.
  static Result<Htpasswd> parse(std::string_view text);

  const Entry* find(std::string_view user) const;
  std::size_t size() const { return entries_.size(); }

  // Whether the password is the user's. Takes as long if there is no such user as for one whose hash is the slowest of
  // the file: milliseconds to seconds of computing. 72 bytes of a password count; one with a NUL among them is never
  // right.
  bool is_right(const Entry* entry, std::string_view password) const;

  std::string stamp_of(std::string_view user) const override;
  Result<Caller> check(std::string_view user, std::string_view password) const override;

private:
  std::map<std::string, Entry, std::less<>> entries_;
  std::string slowest_; // a hash that no password has, of the highest cost in the file
};

inline constexpr int default_bcrypt_cost = 10;

// A line for such a file, without its end: the user and the password's hash ($2y$). Errors: invalid for a name that
// cannot stand in a file or in a request, a password that is empty, has a NUL or more than 72 bytes, and a cost outside
// [4, 17].
Result<std::string> htpasswd_line(std::string_view user, std::string_view password, int cost, Random& random);

} // namespace berth::auth
