#include "auth/directory_source.h"

#include <charconv>

#include "auth/caller_name.h"
#include "auth/token_claims.h"

namespace berth::auth {
namespace {

using std::chrono::sys_seconds;

constexpr std::chrono::seconds remembered{300};
constexpr unsigned questions_at_once = 8;

// name@SECONDS
std::string stamp_at(const std::string& name, Time time) {
  return name + "@" + std::to_string(std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count());
}

} // namespace

PasswordLimits DirectorySource::directory_limits() {
  PasswordLimits limits;
  limits.right_unused = limits.right_at_most = remembered;
  limits.bcrypts = questions_at_once;
  return limits;
}

DirectorySource::DirectorySource(Options options, std::unique_ptr<PasswordStore> store, const Clock& clock,
                                 Random& random, Logger& logger)
    : options_(std::move(options)),
      clock_(clock),
      store_(options_.name, std::move(store), clock, logger),
      passwords_(clock, random, options_.limits) {}

Result<Caller> DirectorySource::Stamped::check(std::string_view user, std::string_view password) const {
  Result<Caller> caller = store_->check(user, password);
  const bool answers = caller || is(caller.error(), Code::unauthorized);
  if (answers_.exchange(answers) != answers) {
    if (answers)
      logger_.info("logins: who knows the users answers again", {{"source", name_}});
    else
      logger_.error("logins: who knows the users cannot be asked",
                    {{"source", name_}, {"error", caller.error().message}});
  }
  if (!answers) return fail(Code::unavailable, "passwords cannot be checked now");
  if (caller) caller->stamp = stamp_at(name_, clock_.now());
  return caller;
}

std::optional<Result<Caller>> DirectorySource::identify(const Login& login) {
  if (!is_login_name(login.user)) return std::nullopt;
  // A directory takes a bind without a password for one of nobody, and says yes (RFC 4513 section 5.1.2).
  if (login.password.empty()) return fail(Code::unauthorized, "an empty password");
  if (login.password.find('\0') != std::string_view::npos) return fail(Code::unauthorized, "a password with a NUL");
  return passwords_.verify(store_, login.user, login.password, login.address, login.waiting);
}

std::optional<bool> DirectorySource::is_current(const Caller& caller) {
  const std::string_view stamp = caller.stamp;
  if (caller.kind != Caller::Kind::user || !stamp.starts_with(options_.name + "@")) return std::nullopt;
  const std::string_view digits = stamp.substr(options_.name.size() + 1);
  std::int64_t seconds = 0;
  const auto [at, error] = std::from_chars(digits.data(), digits.data() + digits.size(), seconds);
  if (error != std::errc() || at != digits.data() + digits.size()) return false;
  const sys_seconds vouched{std::chrono::seconds(seconds)};
  const auto now = clock_.now();
  return vouched <= now + clock_leeway && now < vouched + options_.limits.right_at_most + options_.token_lifetime;
}

} // namespace berth::auth
