#include "auth/rules.h"

#include <algorithm>
#include <array>

#include "auth/who.h"
#include "model/repository_pattern.h"

namespace berth::auth {

struct Rules::Rule {
  Who who;
  std::vector<model::RepositoryPattern> repositories;
  Rights rights;

  bool is_for(const Caller& caller, std::span<const std::string_view> components, std::string_view user) const {
    return who.includes(caller) && std::ranges::any_of(repositories, [&](const model::RepositoryPattern& pattern) {
             return pattern.fits(components, user);
           });
  }
};

namespace {

constexpr Rights to_pull{.pull = true};
constexpr Rights to_add{.pull = true, .add = true};
constexpr Rights to_push{.pull = true, .add = true, .push = true};
constexpr Rights to_remove{.remove = true};
constexpr Rights to_do_all{.pull = true, .add = true, .push = true, .remove = true, .all = true};
constexpr std::array<std::pair<std::string_view, Rights>, 5> actions{
    {{"pull", to_pull}, {"add", to_add}, {"push", to_push}, {"delete", to_remove}, {"all", to_do_all}}};
constexpr std::string_view allowed_actions = "pull, add, push, delete or all";

std::string in_quotes(std::string_view text) { return "\"" + std::string(text) + "\""; }

// origin.key: "value": allowed is what
std::unexpected<Error> refuse(const WrittenRule& rule, std::string_view key, const std::string& value,
                              std::string_view what) {
  return fail(Code::invalid, rule.origin + "." + std::string(key) + ": " + value + ": allowed is " + std::string(what));
}

Result<Groups> groups_of(const WrittenRules& written) {
  std::vector<std::string> names;
  names.reserve(written.groups.size());
  for (const auto& [name, members] : written.groups) names.push_back(name);
  Groups groups;
  for (const auto& [name, members] : written.groups) {
    const auto origin = written.group_origins.find(name);
    const std::string where = origin == written.group_origins.end() ? "groups." + name : origin->second;
    if (!is_group_name(name))
      return fail(Code::invalid, where + ": " + in_quotes(name) +
                                     ": allowed is a name without colons, other than anyone and signed-in");
    auto read = members_of(members, names);
    if (!read) return fail(Code::invalid, where + ": " + read.error().message);
    groups.emplace(name, *std::move(read));
  }
  return groups;
}

Result<Rights> rights_of(const WrittenRule& rule) {
  if (rule.may.empty()) return refuse(rule, "may", "(nothing)", allowed_actions);
  Rights rights;
  for (const std::string& word : rule.may) {
    const auto action = std::ranges::find(actions, word, &decltype(actions)::value_type::first);
    if (action == actions.end()) return refuse(rule, "may", in_quotes(word), allowed_actions);
    rights = rights | action->second;
  }
  return rights;
}

Result<std::vector<model::RepositoryPattern>> patterns_of(const WrittenRule& rule, const Who& who) {
  if (rule.repositories.empty()) return refuse(rule, "repositories", "(nothing)", model::repository_pattern_form);
  std::vector<model::RepositoryPattern> patterns;
  for (const std::string& text : rule.repositories) {
    auto pattern = model::RepositoryPattern::parse(text);
    if (!pattern)
      return refuse(rule, "repositories", in_quotes(text),
                    std::string(model::repository_pattern_form) + "; " + pattern.error().message);
    if (pattern->names_user() && !who.may_be_user())
      return refuse(rule, "repositories", in_quotes(text),
                    "a pattern without {user}, as nobody whom " + in_quotes(rule.who) +
                        " names is a user whose name is one component of a repository's");
    patterns.push_back(*std::move(pattern));
  }
  return patterns;
}

} // namespace

Rights Rights::operator|(const Rights& other) const {
  return {.pull = pull || other.pull,
          .add = add || other.add,
          .push = push || other.push,
          .remove = remove || other.remove,
          .all = all || other.all};
}

Rules::Rules(std::vector<Rule> rules) : rules_(std::make_shared<const std::vector<Rule>>(std::move(rules))) {}

Result<Rules> Rules::make(const WrittenRules& written) {
  BERTH_TRY(const Groups groups, groups_of(written));
  const Who::Known known{groups, written.issuers, written.claims, written.groups_from_elsewhere};
  std::vector<Rule> rules;
  for (const WrittenRule& rule : written.rules) {
    auto who = Who::parse(rule.who, known);
    if (!who) return refuse(rule, "who", rule.who.empty() ? "(nobody)" : in_quotes(rule.who), who.error().message);
    BERTH_TRY(auto patterns, patterns_of(rule, *who));
    BERTH_TRY(const Rights rights, rights_of(rule));
    rules.push_back({*std::move(who), std::move(patterns), rights});
  }
  return Rules(std::move(rules));
}

Rights Rules::of(const Caller& caller, std::string_view repository) const {
  const std::vector<std::string_view> components = model::components_of(repository);
  const std::string_view user = user_component(caller);
  Rights rights;
  for (const Rule& rule : *rules_)
    if (rule.is_for(caller, components, user)) rights = rights | rule.rights;
  return rights;
}

Rights Rules::anywhere(const Caller& caller) const {
  const std::string_view user = user_component(caller);
  Rights rights;
  for (const Rule& rule : *rules_) {
    const bool has_names = std::ranges::any_of(rule.repositories, [&](const model::RepositoryPattern& pattern) {
      return !pattern.names_user() || !user.empty();
    });
    if (has_names && rule.who.includes(caller)) rights = rights | rule.rights;
  }
  return rights;
}

bool Rules::let_anyone_in() const {
  return std::ranges::any_of(*rules_, [](const Rule& rule) {
    return rule.who.is_anyone() &&
           std::ranges::any_of(rule.repositories, [](const auto& pattern) { return !pattern.names_user(); });
  });
}

bool Rules::let_anyone_pull_all() const {
  return std::ranges::any_of(*rules_, [](const Rule& rule) {
    return rule.who.is_anyone() && rule.rights.pull &&
           std::ranges::any_of(rule.repositories, [](const auto& pattern) { return pattern.fits_all(); });
  });
}

std::vector<std::size_t> Rules::reasons(const Caller& caller, std::string_view repository) const {
  const std::vector<std::string_view> components = model::components_of(repository);
  const std::string_view user = user_component(caller);
  std::vector<std::size_t> numbers;
  for (std::size_t i = 0; i < rules_->size(); ++i)
    if ((*rules_)[i].is_for(caller, components, user)) numbers.push_back(i);
  return numbers;
}

} // namespace berth::auth
