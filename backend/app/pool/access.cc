#include "app/pool/access.h"

#include "app/pool/own_access.h"
#include "auth/htpasswd_access.h"
#include "auth/silly_access.h"
#include "auth/token_access.h"

namespace berth::app {
namespace {

Result<Access> make(const config::Auth& config, PoolApi serves, const Clock& clock, Random& random, Logger& logger) {
  using Kind = config::Auth::Kind;
  switch (config.kind) {
  case Kind::htpasswd: {
    BERTH_TRY(auto made,
              auth::HtpasswdAccess::make({config.htpasswd.realm, config.htpasswd.path}, clock, random, logger));
    const auth::Passwords* const passwords = &made->passwords();
    return Access{std::move(made), nullptr, passwords};
  }
  case Kind::token: {
    if (serves == PoolApi::v1)
      return fail(Code::invalid, "auth.token: clients of the v1 API know no tokens; its pool needs another auth");
    BERTH_TRY(auto made,
              auth::TokenAccess::make({config.token.realm, config.token.service, config.token.issuer,
                                       config.token.root_certificates, config.token.jwks, config.token.algorithms,
                                       config.token.auto_redirect, config.token.auto_redirect_path},
                                      logger));
    return Access{std::move(made)};
  }
  case Kind::silly: return Access{std::make_unique<auth::SillyAccess>(config.silly.realm, config.silly.service)};
  case Kind::none: break;
  }
  return Access{};
}

} // namespace

Result<Access> access_of(const config::Config& config, const std::string& secret, PoolApi serves, const Clock& clock,
                         Random& random, Logger& logger) {
  if (config.berth.access.given) {
    auto passwords = std::make_shared<auth::Passwords>(clock, random);
    const bool has_users = config.auth.kind == config::Auth::Kind::htpasswd;
    const auth::Passwords* const shown = has_users ? passwords.get() : nullptr; // a source of the rules' keeps them
    BERTH_TRY(auto own, own_access(config, secret, std::move(passwords), clock, random, logger));
    auth::TokenService* const tokens = own.get();
    return Access{std::move(own), tokens, shown};
  }
  auto made = make(config.auth, serves, clock, random, logger);
  if (!made) return fail(Code::invalid, std::move(made).error().message);
  return made;
}

Result<> check_access(const config::Config& config, Logger& logger) {
  SystemClock clock;
  SystemRandom random;
  BERTH_CHECK(access_of(config, "of no token", PoolApi::as_configured, clock, random, logger));
  return {};
}

} // namespace berth::app
