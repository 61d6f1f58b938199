#include "storage/manifests/immutable_tags.h"

#include <algorithm>
#include <string_view>

#include "model/glob.h"

namespace berth::storage {
namespace {

constexpr std::string_view tag_pattern_form = "a tag, in which * stands for any characters";

std::unexpected<Error> refuse(const WrittenImmutable& rule, std::string_view key, const std::string& value,
                              std::string_view allowed) {
  return fail(Code::invalid, rule.origin + "." + std::string(key) + ": " +
                                 (value.empty() ? "(nothing)" : "\"" + value + "\"") + ": allowed is " +
                                 std::string(allowed));
}

// Whether some tag fits the glob: that without its stars, or with a letter in the place of one.
bool can_fit(std::string_view glob) {
  std::string shortest(glob), longer;
  std::erase(shortest, '*');
  for (const char c : glob) longer += c == '*' ? 'a' : c;
  return model::Tag::is_valid(shortest) || (shortest.size() < model::Tag::max_length && model::Tag::is_valid(longer));
}

bool any_fits(const std::vector<std::string>& globs, const model::Tag& tag) {
  return std::ranges::any_of(globs, [&](const std::string& glob) { return model::matches_glob(glob, tag.str()); });
}

bool any_fits(const std::vector<model::RepositoryPattern>& patterns, const model::RepositoryName& repository) {
  const auto components = model::components_of(repository.str());
  return std::ranges::any_of(patterns, [&](const auto& pattern) { return pattern.fits(components, {}); });
}

} // namespace

Result<ImmutableTags> ImmutableTags::make(const std::vector<WrittenImmutable>& written) {
  ImmutableTags made;
  for (const WrittenImmutable& rule : written) {
    Rule& to = made.rules_.emplace_back();
    if (rule.repositories.empty()) return refuse(rule, "repositories", "", model::repository_pattern_form);
    for (const std::string& text : rule.repositories) {
      auto pattern = model::RepositoryPattern::parse(text);
      if (!pattern)
        return refuse(rule, "repositories", text,
                      std::string(model::repository_pattern_form) + "; " + pattern.error().message);
      if (pattern->names_user()) return refuse(rule, "repositories", text, "a pattern without {user}");
      to.repositories.push_back(*std::move(pattern));
    }
    if (rule.tags.empty()) return refuse(rule, "tags", "", tag_pattern_form);
    for (const auto& [key, globs] : {std::pair("tags", &rule.tags), std::pair("except", &rule.except)})
      for (const std::string& glob : *globs)
        if (!can_fit(glob)) return refuse(rule, key, glob, tag_pattern_form);
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
