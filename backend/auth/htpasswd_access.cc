#include "auth/htpasswd_access.h"

#include "auth/basic.h"
#include "auth/challenge.h"

namespace berth::auth {

Result<std::unique_ptr<HtpasswdAccess>> HtpasswdAccess::make(const Options& options, const Clock& clock, Random& random,
                                                             Logger& logger) {
  auto passwords = std::make_shared<Passwords>(clock, random, options.limits);
  BERTH_TRY(auto users, HtpasswdSource::make(options.path, HtpasswdSource::Unknown::refused, passwords, logger));
  return std::unique_ptr<HtpasswdAccess>(
      new HtpasswdAccess(basic_challenge(options.realm), std::move(users), std::move(passwords)));
}

std::expected<Grant, Refusal> HtpasswdAccess::authorize(const Question& question) {
  const auto refusal = [&] { return std::unexpected(Refusal{{Code::unauthorized, {}, {}}, challenge_}); };
  const Credentials& from = question.credentials;
  if (from.vouched != nullptr) {
    if (!users_->is_current(*from.vouched).value_or(false)) return refusal();
    return Grant{*from.vouched};
  }
  const auto credentials = parse_basic(from.authorization);
  if (!credentials || credentials->user.empty()) return refusal();
  auto caller = users_->identify({credentials->user, credentials->password, from.address, from.time, from.waiting});
  if (!caller) return refusal();
  if (*caller) return Grant{*std::move(*caller)};
  if (is(caller->error(), Code::unauthorized)) return refusal();
  return std::unexpected(Refusal{caller->error()});
}

} // namespace berth::auth
