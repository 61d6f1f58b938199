#include "app/pool/access.h"

#include "app/pool/rules.h"
#include "auth/htpasswd_access.h"
#include "auth/silly_access.h"
#include "auth/token_access.h"

namespace berth::app {
namespace {

Result<std::unique_ptr<auth::AccessController>> make(const config::Auth& config, PoolApi serves, const Clock& clock,
                                                     Random& random, Logger& logger) {
  using Kind = config::Auth::Kind;
  switch (config.kind) {
  case Kind::htpasswd:
    return auth::HtpasswdAccess::make({config.htpasswd.realm, config.htpasswd.path}, clock, random, logger);
  case Kind::token:
    if (serves == PoolApi::v1)
      return fail(Code::invalid, "auth.token: clients of the v1 API know no tokens; its pool needs another auth");
    return auth::TokenAccess::make({config.token.realm, config.token.service, config.token.issuer,
                                    config.token.root_certificates, config.token.jwks, config.token.algorithms,
                                    config.token.auto_redirect, config.token.auto_redirect_path},
                                   logger);
  case Kind::silly: return std::make_unique<auth::SillyAccess>(config.silly.realm, config.silly.service);
  case Kind::none: break;
  }
  return nullptr;
}

} // namespace

Result<std::unique_ptr<auth::AccessController>> access_of(const config::Config& config, PoolApi serves,
                                                          const Clock& clock, Random& random, Logger& logger) {
  if (config.berth.access.given) {
    BERTH_CHECK(rules_of(config.berth.access));
    return fail(Code::invalid, "berth.access: rules can be checked, but this program does not serve by them");
  }
  auto made = make(config.auth, serves, clock, random, logger);
  if (!made) return fail(Code::invalid, std::move(made).error().message);
  return made;
}

Result<> check_access(const config::Config& config, Logger& logger) {
  if (config.berth.access.given) {
    BERTH_CHECK(rules_of(config.berth.access));
    return {};
  }
  SystemClock clock;
  SystemRandom random;
  BERTH_CHECK(access_of(config, PoolApi::as_configured, clock, random, logger));
  return {};
}

} // namespace berth::app
