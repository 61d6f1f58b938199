#include "storage/manifests/tag_rules.h"

#include <algorithm>

#include "model/glob.h"

namespace berth::storage {
namespace {

// Whether some tag fits the glob: that without its stars, or with a letter in the place of one.
bool can_fit(std::string_view glob) {
  std::string shortest(glob), longer;
  std::erase(shortest, '*');
  for (const char c : glob) longer += c == '*' ? 'a' : c;
  return model::Tag::is_valid(shortest) || (shortest.size() < model::Tag::max_length && model::Tag::is_valid(longer));
}

} // namespace

std::unexpected<Error> refuse_rule(const std::string& origin, std::string_view value, std::string_view allowed) {
  const std::string shown = value.empty() ? "(nothing)" : "\"" + std::string(value) + "\"";
  return fail(Code::invalid, origin + ": " + shown + ": allowed is " + std::string(allowed));
}

Result<std::vector<model::RepositoryPattern>> repositories_of(const std::string& origin,
                                                              const std::vector<std::string>& texts) {
  if (texts.empty()) return refuse_rule(origin, "", model::repository_pattern_form);
  std::vector<model::RepositoryPattern> patterns;
  for (const std::string& text : texts) {
    auto pattern = model::RepositoryPattern::parse(text);
    if (!pattern)
      return refuse_rule(origin, text, std::string(model::repository_pattern_form) + "; " + pattern.error().message);
    if (pattern->names_user()) return refuse_rule(origin, text, "a pattern without {user}");
    patterns.push_back(*std::move(pattern));
  }
  return patterns;
}

Result<> check_tag_globs(const std::string& origin, const std::vector<std::string>& globs) {
  for (const std::string& glob : globs)
    if (!can_fit(glob)) return refuse_rule(origin, glob, tag_pattern_form);
  return {};
}

bool any_fits(const std::vector<std::string>& globs, const model::Tag& tag) {
  return std::ranges::any_of(globs, [&](const std::string& glob) { return model::matches_glob(glob, tag.str()); });
}

bool any_fits(const std::vector<model::RepositoryPattern>& patterns, const model::RepositoryName& repository) {
  const auto components = model::components_of(repository.str());
  return std::ranges::any_of(patterns, [&](const auto& pattern) { return pattern.fits(components, {}); });
}

} // namespace berth::storage
