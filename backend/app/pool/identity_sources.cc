#include "app/pool/identity_sources.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <string>

#include "auth/directory_source.h"
#include "auth/ldap_directory.h"
#include "auth/saslauthd.h"
#include "auth/workload_tokens.h"
#include "base/url_secrets.h"
#include "client/http_client.h"

namespace berth::app {
namespace {

constexpr std::size_t max_keys_bytes = 1024 * 1024;
constexpr std::chrono::seconds fetch_timeout{5};
constexpr unsigned max_redirects = 3;

// Keys of an issuer, or where they are.
Result<std::string> fetch(const std::string& url) {
  auto reply = client::perform({.url = url,
                                .timeout = fetch_timeout,
                                .max_reply_bytes = max_keys_bytes,
                                .https_only = url.starts_with("https:"),
                                .max_redirects = max_redirects});
  const std::string shown = without_secrets(url);
  if (!reply) return fail(reply.error().code, shown + ": " + reply.error().message);
  if (reply->status != 200) return fail(Code::io, shown + ": it answered " + std::to_string(reply->status));
  return std::move(reply->body);
}

std::chrono::seconds token_lifetime_of(const config::AccessRules& config) {
  return std::chrono::ceil<std::chrono::seconds>(config.token_lifetime);
}

Result<std::unique_ptr<auth::IdentitySource>> workloads_of(const config::AccessRules& config, const Clock& clock,
                                                           Logger& logger) {
  auth::WorkloadTokens::Options options{.issuers = {}, .token_lifetime = token_lifetime_of(config)};
  for (const config::AccessRules::Issuer& issuer : config.issuers)
    options.issuers.push_back({issuer.name, issuer.url, issuer.audience, issuer.jwks, issuer.claims});
  return auth::WorkloadTokens::make(options, fetch, clock, logger);
}

Result<std::unique_ptr<auth::PasswordStore>> directory_of(const config::AccessRules::Ldap& config, Logger& logger) {
  const bool is_here = config.url.starts_with("ldap://localhost") || config.url.starts_with("ldap://127.");
  if (config.url.starts_with("ldap://") && !config.start_tls && !is_here)
    logger.warn("berth.access.ldap: passwords go to the directory in clear; use ldaps:// or starttls",
                {{"url", config.url}});
  return auth::LdapDirectory::make({.url = config.url,
                                    .start_tls = config.start_tls,
                                    .ca = config.ca,
                                    .bind_dn = config.bind_dn,
                                    .bind_password_file = config.bind_password_file,
                                    .base = config.base,
                                    .filter = config.filter,
                                    .group_attribute = config.group_attribute});
}

} // namespace

Result<IdentitySources> identity_sources_of(const config::AccessRules& config, IdentitySources local,
                                            const Clock& clock, Random& random, Logger& logger) {
  IdentitySources sources;
  if (!config.issuers.empty()) {
    BERTH_TRY(auto workloads, workloads_of(config, clock, logger));
    sources.push_back(std::move(workloads));
  }
  std::ranges::move(local, std::back_inserter(sources));
  const auto add = [&](const char* name, std::unique_ptr<auth::PasswordStore> store) {
    sources.push_back(std::make_unique<auth::DirectorySource>(
        auth::DirectorySource::Options{.name = name, .token_lifetime = token_lifetime_of(config)}, std::move(store),
        clock, random, logger));
  };
  if (!config.saslauthd.empty() && !config.ldap.url.empty())
    return fail(Code::invalid, "berth.access: saslauthd or ldap; with both, two passwords would be right for one name");
  if (!config.saslauthd.empty())
    add("saslauthd", std::make_unique<auth::Saslauthd>(
                         auth::Saslauthd::Options{.socket = config.saslauthd, .service = config.saslauthd_service}));
  if (!config.ldap.url.empty()) {
    BERTH_TRY(auto directory, directory_of(config.ldap, logger));
    add("ldap", std::move(directory));
  }
  return sources;
}

} // namespace berth::app
