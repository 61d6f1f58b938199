#include "storage/manifests/immutable_tags.h"

#include <algorithm>

#include "storage/manifests/tag_rules.h"

namespace berth::storage {

Result<ImmutableTags> ImmutableTags::make(const std::vector<WrittenImmutable>& written) {
  ImmutableTags made;
  for (const WrittenImmutable& rule : written) {
    Rule& to = made.rules_.emplace_back();
    BERTH_TRY(to.repositories, repositories_of(rule.origin + ".repositories", rule.repositories));
    if (rule.tags.empty()) return refuse_rule(rule.origin + ".tags", "", tag_pattern_form);
    BERTH_CHECK(check_tag_globs(rule.origin + ".tags", rule.tags));
    BERTH_CHECK(check_tag_globs(rule.origin + ".except", rule.except));
    to.tags = rule.tags;
    to.except = rule.except;
  }
  return made;
}

bool ImmutableTags::has(const model::RepositoryName& repository, const model::Tag& tag) const {
  return std::ranges::any_of(rules_, [&](const Rule& rule) {
    return any_fits(rule.tags, tag) && !any_fits(rule.except, tag) && any_fits(rule.repositories, repository);
  });
}

bool ImmutableTags::has_some(const model::RepositoryName& repository) const {
  return std::ranges::any_of(rules_, [&](const Rule& rule) { return any_fits(rule.repositories, repository); });
}

} // namespace berth::storage
