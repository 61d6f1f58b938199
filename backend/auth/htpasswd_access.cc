#include "auth/htpasswd_access.h"

#include "auth/basic.h"
#include "auth/challenge.h"

namespace berth::auth {

Result<std::unique_ptr<HtpasswdAccess>> HtpasswdAccess::make(Options options, const Clock& clock, Random& random,
                                                             Logger& logger) {
  BERTH_TRY(auto file, open_htpasswd(options.path, logger));
  return std::unique_ptr<HtpasswdAccess>(
      new HtpasswdAccess(basic_challenge(options.realm), std::move(file), options.limits, clock, random));
}

std::expected<Grant, Refusal> HtpasswdAccess::authorize(const Question& question) {
  const auto refusal = [&] { return std::unexpected(Refusal{{Code::unauthorized, {}, {}}, challenge_}); };
  const auto users = file_->current();
  if (const Caller* vouched = question.credentials.vouched) {
    const Htpasswd::Entry* entry = users->find(vouched->user);
    if (entry == nullptr || entry->stamp != vouched->stamp) return refusal();
    return Grant{*vouched};
  }
  const auto credentials = parse_basic(question.credentials.authorization);
  if (!credentials || credentials->is_nobody()) return refusal();
  auto caller = passwords_.verify(*users, credentials->user, credentials->password, question.credentials.address,
                                  question.credentials.takes_long);
  if (caller) return Grant{*std::move(caller)};
  if (is(caller.error(), Code::unauthorized)) return refusal();
  return std::unexpected(Refusal{caller.error()});
}

} // namespace berth::auth
