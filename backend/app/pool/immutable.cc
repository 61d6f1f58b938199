#include "app/pool/immutable.h"

namespace berth::app {
namespace {

std::string item(const std::string& list, std::size_t i) { return list + "[" + std::to_string(i) + "]"; }

Result<storage::ImmutableTags> rules_of(const std::vector<config::Config::ImmutableRule>& rules, const char* key) {
  std::vector<storage::WrittenImmutable> written;
  for (const auto& rule : rules)
    written.push_back({rule.origin + ": " + item(key, written.size()), rule.repositories, rule.tags, rule.except});
  return storage::ImmutableTags::make(written);
}

} // namespace

Result<storage::ImmutableTags> immutable_tags_of(const config::Config& config) {
  return rules_of(config.berth.immutable, "berth.immutable");
}

Result<storage::ImmutableTags> protected_tags_of(const config::Config& config) {
  return rules_of(config.berth.protected_tags, "berth.protected");
}

Result<storage::RetentionPolicies> policies_of(const config::Config& config) {
  std::vector<storage::RetentionPolicy> policies;
  for (const config::Retention::Policy& from : config.berth.retention.policies) {
    const std::string key = item("berth.retention.policies", policies.size());
    storage::RetentionPolicy& to = policies.emplace_back();
    to.origin = from.origin + ": " + key;
    to.repositories = from.repositories;
    to.minimum = from.minimum;
    to.untagged = from.untagged.value_or(config.berth.collection.untagged);
    for (const config::Retention::Keep& entry : from.keep)
      to.keep.push_back({entry.origin + ": " + item(key + ".keep", to.keep.size()), entry.tags, entry.newest,
                         entry.pushed, entry.pulled});
  }
  return storage::RetentionPolicies::make(std::move(policies));
}

Result<> check_tag_rules(const config::Config& config) {
  BERTH_CHECK(immutable_tags_of(config));
  BERTH_CHECK(protected_tags_of(config));
  BERTH_CHECK(policies_of(config));
  return {};
}

} // namespace berth::app
