#include "model/repository_pattern.h"

#include <algorithm>
#include <array>
#include <bitset>
#include <limits>
#include <optional>

#include "model/glob.h"
#include "model/names.h"

namespace berth::model {
namespace {

constexpr std::size_t max_components = RepositoryName::max_length / 2 + 1; // of a name
constexpr std::string_view any_components = "**";
constexpr std::string_view user_placeholder = "{user}";

// How far a component of a name can have come, and the fewest characters that bring it there: what a glob can stand
// for is followed through the grammar of components ([a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*).
enum State : std::size_t { start, letter, dot, underscore, underscores, dash, state_count };
constexpr std::size_t never = std::numeric_limits<std::size_t>::max();
using Fewest = std::array<std::size_t, state_count>;

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

// Where a character leads; state_count: nowhere.
State after(State state, char c) {
  if (is_letter(c)) return letter;
  if (state == letter) return c == '.' ? dot : c == '_' ? underscore : c == '-' ? dash : state_count;
  if (state == underscore && c == '_') return underscores;
  if (state == dash && c == '-') return dash;
  return state_count;
}

Fewest after_character(const Fewest& before, char c) {
  Fewest fewest;
  fewest.fill(never);
  for (std::size_t state = 0; state < state_count; ++state) {
    if (before[state] == never) continue;
    if (const State next = after(static_cast<State>(state), c); next != state_count)
      fewest[next] = std::min(fewest[next], before[state] + 1);
  }
  return fewest;
}

// After a star, which stands for any characters: every state that can be reached, as cheaply as it can be.
Fewest after_star(Fewest fewest) {
  for (std::size_t round = 0; round < state_count; ++round)
    for (const char c : {'a', '.', '_', '-'}) {
      const Fewest next = after_character(fewest, c);
      std::ranges::transform(fewest, next, fewest.begin(), [](auto a, auto b) { return std::min(a, b); });
    }
  return fewest;
}

// The fewest characters of a valid component that the glob stands for; nothing: it stands for none.
std::optional<std::size_t> fewest_characters(std::string_view glob) {
  Fewest fewest;
  fewest.fill(never);
  fewest[start] = 0;
  while (!glob.empty()) {
    if (glob.starts_with(user_placeholder)) { // a valid component: it begins and ends with a letter or digit
      fewest = after_character(fewest, 'a');
      glob.remove_prefix(user_placeholder.size());
      continue;
    }
    fewest = glob.front() == '*' ? after_star(fewest) : after_character(fewest, glob.front());
    glob.remove_prefix(1);
  }
  if (fewest[letter] == never) return std::nullopt;
  return fewest[letter];
}

// The glob with the user's name in it.
std::string with_user(std::string_view part, std::string_view user) {
  std::string glob(part);
  for (std::size_t at = 0; (at = glob.find(user_placeholder, at)) != std::string::npos; at += user.size())
    glob.replace(at, user_placeholder.size(), user);
  return glob;
}

} // namespace

std::vector<std::string_view> components_of(std::string_view name) {
  std::vector<std::string_view> components;
  for (;;) {
    const std::size_t slash = name.find('/');
    components.push_back(name.substr(0, slash));
    if (slash == std::string_view::npos) return components;
    name.remove_prefix(slash + 1);
  }
}

Result<RepositoryPattern> RepositoryPattern::parse(std::string_view text) {
  if (text.size() > max_bytes) return fail(Code::invalid, "it is longer than " + std::to_string(max_bytes) + " bytes");
  RepositoryPattern pattern;
  pattern.names_user_ = text.contains(user_placeholder);
  std::size_t fewest = 0;
  for (const std::string_view part : components_of(text)) {
    if (part == any_components) {
      if (pattern.parts_.empty() || pattern.parts_.back() != part) pattern.parts_.emplace_back(part);
      continue;
    }
    if (part.contains(any_components)) return fail(Code::invalid, "** stands for whole components, as in team/**");
    const auto characters = fewest_characters(part);
    if (!characters) return fail(Code::invalid, "no repository can have such a name");
    fewest += *characters + 1;
    pattern.parts_.emplace_back(part);
  }
  if (pattern.parts_.back() == any_components) { // one component at least
    pattern.parts_.insert(pattern.parts_.end() - 1, "*");
    fewest += 2;
  }
  if (fewest > RepositoryName::max_length + 1)
    return fail(Code::invalid,
                "a repository's name has " + std::to_string(RepositoryName::max_length) + " characters at most");
  return pattern;
}

bool RepositoryPattern::fits_all() const {
  return std::ranges::count(parts_, any_components) > 0 && std::ranges::count(parts_, "*") == 1 &&
         std::ranges::all_of(parts_, [](const std::string& part) { return part == "*" || part == any_components; });
}

bool RepositoryPattern::fits(std::span<const std::string_view> components, std::string_view user) const {
  if ((names_user_ && user.empty()) || components.size() > max_components) return false;
  std::bitset<max_components + 1> taken; // [i]: the parts so far can stand for the first i components
  taken[0] = true;
  for (const std::string& part : parts_) {
    if (part == any_components) {
      for (std::size_t i = 0; i < components.size(); ++i)
        if (taken[i]) taken[i + 1] = true;
      continue;
    }
    const std::string filled = part.contains(user_placeholder) ? with_user(part, user) : std::string();
    const std::string_view glob = filled.empty() ? std::string_view(part) : std::string_view(filled);
    bool any = false;
    for (std::size_t i = components.size(); i > 0; --i) {
      taken[i] = taken[i - 1] && matches_glob(glob, components[i - 1]);
      any = any || taken[i];
    }
    if (!any) return false;
    taken[0] = false;
  }
  return taken[components.size()];
}

} // namespace berth::model
