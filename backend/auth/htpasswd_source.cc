#include "auth/htpasswd_source.h"

namespace berth::auth {

Result<std::unique_ptr<HtpasswdSource>> HtpasswdSource::make(const std::string& path, Unknown unknown,
                                                             std::shared_ptr<Passwords> passwords, Logger& logger) {
  BERTH_TRY(auto file, open_htpasswd(path, logger));
  return std::unique_ptr<HtpasswdSource>(new HtpasswdSource(std::move(file), unknown, std::move(passwords)));
}

std::optional<Result<Caller>> HtpasswdSource::identify(const Login& login) {
  if (login.user.empty()) return std::nullopt;
  const auto users = file_->current();
  if (unknown_ == Unknown::left && users->find(login.user) == nullptr) return std::nullopt;
  return passwords_->verify(*users, login.user, login.password, login.address, login.waiting);
}

std::optional<bool> HtpasswdSource::is_current(const Caller& caller) {
  if (caller.kind != Caller::Kind::user) return std::nullopt;
  const auto users = file_->current();
  const Htpasswd::Entry* entry = users->find(caller.user);
  if (entry == nullptr) return unknown_ == Unknown::left ? std::nullopt : std::optional(false);
  return entry->stamp == caller.stamp;
}

} // namespace berth::auth
