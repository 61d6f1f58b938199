#include "storage/retention/policies.h"

#include <algorithm>

#include "storage/manifests/tag_rules.h"

namespace berth::storage {
namespace {

Result<> check(const KeepEntry& entry) {
  if (!entry.tags && !entry.newest && !entry.pushed && !entry.pulled)
    return refuse_rule(entry.origin, "", "a map of tags, newest, pushed and pulled, one of them at least");
  if (entry.tags && entry.tags->empty())
    return refuse_rule(entry.origin + ".tags", "",
                       "a list of tags, one at least; without the key the entry is for all of them");
  if (entry.newest && *entry.newest == 0) return refuse_rule(entry.origin + ".newest", "0", "a number from 1 on");
  return entry.tags ? check_tag_globs(entry.origin + ".tags", *entry.tags) : Result<>();
}

} // namespace

Result<RetentionPolicies> RetentionPolicies::make(std::vector<RetentionPolicy> written) {
  RetentionPolicies made;
  bool all_are_judged = false;
  for (const RetentionPolicy& policy : written) {
    if (all_are_judged)
      return refuse_rule(policy.origin, "",
                         "nothing after a policy for **, which is for every repository: put it before");
    BERTH_TRY(made.patterns_.emplace_back(), repositories_of(policy.origin + ".repositories", policy.repositories));
    all_are_judged = std::ranges::any_of(made.patterns_.back(), &model::RepositoryPattern::fits_all);
    if (policy.keep.empty())
      return refuse_rule(policy.origin + ".keep", "",
                         "a list of entries, one at least: without any, every tag would go");
    for (const KeepEntry& entry : policy.keep) BERTH_CHECK(check(entry));
  }
  made.written_ = std::move(written);
  return made;
}

std::optional<std::size_t> RetentionPolicies::find(const model::RepositoryName& repository) const {
  for (std::size_t i = 0; i < patterns_.size(); ++i)
    if (any_fits(patterns_[i], repository)) return i;
  return std::nullopt;
}

bool RetentionPolicies::asks_for_pulls() const {
  return std::ranges::any_of(written_, [](const RetentionPolicy& policy) {
    return std::ranges::any_of(policy.keep, [](const KeepEntry& entry) { return entry.pulled.has_value(); });
  });
}

} // namespace berth::storage
