// Rules and the patterns in them. Input: a line that is the name of a repository, then a rule: a line of who, a line of
// what, and patterns, one a line.
#include "auth/rules.h"
#include "fuzz/oracle.h"
#include "model/names.h"
#include "model/repository_pattern.h"

using namespace berth;
using namespace berth::fuzz;

namespace {

// The pattern as a regular expression that says the same; "" for one that is none.
std::string expression_of(std::string_view pattern) {
  std::string text;
  while (!pattern.empty()) {
    if (pattern.starts_with("**/")) {
      text += "(?:[^/]+/)*";
      pattern.remove_prefix(3);
    } else if (pattern == "**") {
      text += ".+";
      pattern.remove_prefix(2);
    } else if (pattern.starts_with("{user}")) {
      text += "alice";
      pattern.remove_prefix(6);
    } else {
      text += pattern.front() == '*' ? "[^/]*" : RE2::QuoteMeta(std::string(1, pattern.front()));
      pattern.remove_prefix(1);
    }
  }
  return text;
}

void check_pattern(std::string_view text, std::string_view name) {
  const auto pattern = model::RepositoryPattern::parse(text);
  // What fits no name cannot be a name.
  if (model::RepositoryName::parse(text)) require(pattern.has_value());
  if (!pattern) return;
  require(pattern->names_user() == text.contains("{user}"));
  if (!model::RepositoryName::parse(name)) return;
  const auto components = model::components_of(name);
  require(pattern->fits(components, "alice") == Grammar(expression_of(text)).matches(name));
  if (pattern->names_user()) require(!pattern->fits(components, ""));
  if (pattern->fits_all()) require(pattern->fits(components, "alice"));
}

} // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  std::string_view input = text_of(bytes, size);
  const std::string_view name = take_line(input);
  auth::WrittenRules written;
  written.groups = {{"developers", {"alice", "robot:ci"}}};
  written.issuers = {"github"};
  auth::WrittenRule rule{"origin", std::string(take_line(input)), {}, {}};
  for (std::string_view may = take_line(input); !may.empty();) rule.may.emplace_back(take_until(' ', may));
  while (!input.empty() && rule.repositories.size() < 16) {
    const std::string_view pattern = take_line(input);
    check_pattern(pattern, name);
    rule.repositories.emplace_back(pattern);
  }
  written.rules.push_back(rule);
  const auto rules = auth::Rules::make(written);
  if (!rules) {
    require(rules.error().message.starts_with("origin."));
    return 0;
  }
  if (!model::RepositoryName::parse(name)) return 0;
  auth::Caller alice, robot, workload;
  alice.user = "alice";
  robot.user = "robot:ci";
  robot.kind = auth::Caller::Kind::robot;
  workload.user = workload.issuer = "github";
  workload.kind = auth::Caller::Kind::workload;
  workload.claims = {{"ref", "refs/heads/main"}};
  const auth::Rights anyone = rules->of({}, name);
  for (const auth::Caller& caller : {alice, robot, workload}) {
    const auth::Rights rights = rules->of(caller, name);
    require((rights | anyone) == rights); // who is signed in may do what anyone may
    require(!rights.all || (rights.push && rights.remove));
    require((!rights.push || rights.add) && (!rights.add || rights.pull));
    require((rights == auth::Rights{}) == rules->reasons(caller, name).empty());
  }
  if (anyone != auth::Rights{}) require(rules->let_anyone_in());
  if (rules->let_anyone_pull_all()) require(anyone.pull);
  return 0;
}
