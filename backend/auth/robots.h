// Robots: callers that are programs, each with a secret that berth made and an end. Their names are robot:NAME. The
// file has a JSON object with a list of them; `berth robot` writes it.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "auth/identity_source.h"
#include "auth/reread.h"
#include "base/log.h"
#include "base/random.h"
#include "base/result.h"

namespace berth::auth {

struct Robot {
  std::string hash;                // SHA-256 of the secret, hexadecimal: 256 random bits need no bcrypt
  Time created = {}, expires = {}; // whole seconds; expires == Time::max(): never
  std::vector<Bound> may = {};     // empty: whatever the rules let it do

  bool operator==(const Robot&) const = default;
};

using Robots = std::map<std::string, Robot, std::less<>>; // by name, without "robot:"

// One component of a repository's name. Errors: invalid.
Result<> check_robot_name(std::string_view name);
// "ACTION:PATTERN", as `--may` has it. Errors: invalid, as rules have it.
Result<Bound> parse_bound(std::string_view text);

// Errors: invalid; the message tells nothing of what the file says.
Result<Robots> parse_robots(std::string_view text);
std::string robots_text(const Robots& robots);

// A file of robots; one that is not there has none. Errors: io, size_invalid, invalid.
Result<Robots> read_robots(const std::string& path);

// berth_<43 characters of base64url>_<6 of its CRC-32>: tools that look for secrets in code find it.
std::string make_robot_secret(Random& random);
bool is_robot_secret(std::string_view text);
std::string robot_hash(std::string_view secret);

// Threads: safe.
class RobotSource final : public IdentitySource {
public:
  // Borrows: clock, logger. Errors: those of read_robots; the message names the file.
  static Result<std::unique_ptr<RobotSource>> make(const std::string& path, const Clock& clock, Logger& logger);

  // A login is "robot:NAME" with the secret. Basic ends a user's name at its first colon: there it is "robot", and
  // NAME:SECRET is the password.
  std::optional<Result<Caller>> identify(const Login& login) override;
  std::optional<bool> is_current(const Caller& caller) override;

private:
  RobotSource(std::unique_ptr<Reread<Robots>> file, const Clock& clock) : file_(std::move(file)), clock_(clock) {}

  const std::unique_ptr<Reread<Robots>> file_;
  const Clock& clock_;
};

} // namespace berth::auth
