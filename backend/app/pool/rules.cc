#include "app/pool/rules.h"

#include <string>

namespace berth::app {

Result<auth::Rules> rules_of(const config::AccessRules& config) {
  auth::WrittenRules written;
  for (const auto& group : config.groups) {
    written.groups[group.name] = group.members;
    written.group_origins[group.name] = group.origin + ": berth.access.groups." + group.name;
  }
  for (std::size_t i = 0; i < config.rules.size(); ++i) {
    const auto& rule = config.rules[i];
    written.rules.push_back(
        {rule.origin + ": berth.access.rules[" + std::to_string(i) + "]", rule.who, rule.repositories, rule.may});
  }
  for (const auto& issuer : config.issuers) {
    written.issuers.push_back(issuer.name);
    written.claims[issuer.name] = issuer.claims;
  }
  written.groups_from_elsewhere = !config.ldap.url.empty();
  return auth::Rules::make(written);
}

} // namespace berth::app
