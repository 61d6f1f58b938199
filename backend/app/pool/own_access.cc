#include "app/pool/own_access.h"

#include "app/pool/identity_sources.h"
#include "app/pool/rules.h"
#include "auth/htpasswd_source.h"
#include "auth/robots.h"
#include "http/url.h"

namespace berth::app {
namespace {

// Those that know their callers by files.
Result<IdentitySources> local_sources(const config::Config& config, std::shared_ptr<auth::Passwords> passwords,
                                      const Clock& clock, Logger& logger) {
  const config::AccessRules& from = config.berth.access;
  IdentitySources sources;
  BERTH_TRY(auto robots, auth::RobotSource::make(from.robots, clock, logger));
  sources.push_back(std::move(robots));
  if (config.auth.kind == config::Auth::Kind::htpasswd) {
    using Unknown = auth::HtpasswdSource::Unknown;
    const bool has_more = !from.saslauthd.empty() || !from.ldap.url.empty();
    BERTH_TRY(auto users,
              auth::HtpasswdSource::make(config.auth.htpasswd.path, has_more ? Unknown::left : Unknown::refused,
                                         std::move(passwords), logger));
    sources.push_back(std::move(users));
  }
  return sources;
}

std::optional<auth::CertificateSubject> certificates_of(const config::AccessRules::Certificates& from) {
  using From = auth::CertificateSubject::From;
  if (from.subject.empty()) return std::nullopt;
  return auth::CertificateSubject{from.subject == "uri"   ? From::uri
                                  : from.subject == "dns" ? From::dns
                                                          : From::common_name,
                                  from.pattern};
}

} // namespace

Result<std::unique_ptr<auth::RulesAccess>> own_access(const config::Config& config, const std::string& secret,
                                                      std::shared_ptr<auth::Passwords> passwords, const Clock& clock,
                                                      Random& random, Logger& logger) {
  const config::AccessRules& from = config.berth.access;
  BERTH_TRY(auth::Rules rules, rules_of(from));
  BERTH_TRY(IdentitySources local, local_sources(config, std::move(passwords), clock, logger));
  BERTH_TRY(IdentitySources sources, identity_sources_of(from, std::move(local), clock, random, logger));
  const auto in_seconds = [](config::Duration time) { return std::chrono::floor<std::chrono::seconds>(time); };
  return std::make_unique<auth::RulesAccess>(
      auth::RulesAccess::Parts{.rules = std::move(rules),
                               .sources = std::move(sources),
                               .certificates = certificates_of(from.certificates),
                               .secret = secret,
                               .token_path = http::encode_path(config.http.prefix) + "v2/token",
                               .token_lifetime = in_seconds(from.token_lifetime),
                               .refresh_lifetime = in_seconds(from.refresh_lifetime)},
      clock);
}

} // namespace berth::app
