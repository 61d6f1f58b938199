#include "app/commands/access.h"

#include <algorithm>
#include <cstdio>

#include "app/commands/commands.h"
#include "app/commands/complain.h"
#include "app/commands/environment.h"
#include "app/pool/rules.h"
#include "auth/who.h"
#include "config/config.h"
#include "model/names.h"

namespace berth::app {
namespace {

using Kind = auth::Caller::Kind;

constexpr const char* subjects = "anyone, NAME or user:NAME, robot:NAME, cert:NAME, or token:ISSUER CLAIM=VALUE ...";

std::unexpected<Error> refuse(const std::string& word, const std::string& allowed) {
  return fail(Code::invalid, "\"" + word + "\": allowed is " + allowed);
}

std::string joined(const std::vector<std::string>& words, std::string_view between) {
  std::string text;
  for (const std::string& word : words) text.append(text.empty() ? "" : between).append(word);
  return text;
}

// token:ISSUER, and its claims.
Result<auth::Caller> workload_of(const std::vector<std::string>& words, const config::AccessRules& rules) {
  auth::Caller caller;
  caller.kind = Kind::workload;
  caller.issuer = words[0].substr(words[0].find(':') + 1);
  caller.user = caller.issuer + ":";
  const auto issuer = std::ranges::find(rules.issuers, caller.issuer, &config::AccessRules::Issuer::name);
  if (issuer == rules.issuers.end()) return refuse(words[0], "an issuer of berth.access.issuers");
  for (std::size_t i = 1; i < words.size(); ++i) {
    const std::size_t equals = words[i].find('=');
    const std::string claim = words[i].substr(0, equals);
    if (equals == std::string::npos || std::ranges::find(issuer->claims, claim) == issuer->claims.end())
      return refuse(words[i], "CLAIM=VALUE; the claims of " + issuer->name + " are " +
                                  (issuer->claims.empty() ? "none" : joined(issuer->claims, ", ")));
    caller.claims[claim] = words[i].substr(equals + 1);
  }
  return caller;
}

// "pull, push and delete"
std::string words_of(const auth::Rights& rights) {
  if (rights.all) return "do everything";
  std::vector<std::string> words;
  if (rights.pull) words.emplace_back("pull");
  if (rights.push) words.emplace_back("push");
  if (rights.add && !rights.push) words.emplace_back("add (push, but move no tag)");
  if (rights.remove) words.emplace_back("delete");
  if (words.empty()) return "do nothing";
  const std::string last = words.back();
  words.pop_back();
  return words.empty() ? last : joined(words, ", ") + " and " + last;
}

struct Question {
  config::AccessRules rules;
  auth::Caller caller;
  model::RepositoryName repository;
};

Result<Question> question_of(const std::string& config_path, const std::vector<std::string>& subject,
                             const std::string& repository) {
  BERTH_TRY(config::Loaded loaded, config::load(config_path, environment_of_process()));
  const config::AccessRules& rules = loaded.config.berth.access;
  if (!rules.given) return fail(Code::invalid, config_path + ": berth.access: there is no such section, and no rule");
  BERTH_TRY(auth::Caller caller, subject_of(subject, rules));
  const auto name = model::RepositoryName::parse(repository);
  if (!name) return refuse(repository, "the name of a repository, as in team/app");
  return Question{rules, std::move(caller), *name};
}

} // namespace

Result<auth::Caller> subject_of(const std::vector<std::string>& words, const config::AccessRules& rules) {
  auth::Caller caller;
  const std::string whole = joined(words, " ");
  if (whole == "anyone") return caller;
  if (!words.empty() && words[0].starts_with("token:")) return workload_of(words, rules);
  const auto member = auth::members_of({whole}, {}); // a subject is written as a member of a group is
  if (!member || words.size() > 1) return refuse(whole, subjects);
  caller.kind = (*member)->begin()->first;
  caller.user = (*member)->begin()->second;
  return caller;
}

int access(const std::string& config_path, const std::vector<std::string>& subject, const std::string& repository) {
  const auto question = question_of(config_path, subject, repository);
  if (!question) return complain(question.error());
  const auto rules = rules_of(question->rules);
  if (!rules) return complain(rules.error());
  const std::string& name = question->repository.str();
  const auth::Rights rights = rules->of(question->caller, name);
  const auto reasons = rules->reasons(question->caller, name);
  std::printf("%s may %s with %s%s\n", joined(subject, " ").c_str(), words_of(rights).c_str(), name.c_str(),
              reasons.empty() ? ": no rule says otherwise" : ":");
  for (const std::size_t i : reasons) {
    const auto& rule = question->rules.rules[i];
    std::printf("  %s: {who: %s, repositories: %s, may: %s}\n", rule.origin.c_str(), rule.who.c_str(),
                joined(rule.repositories, " ").c_str(), joined(rule.may, " ").c_str());
  }
  return rights.pull ? exit_ok : exit_failure;
}

} // namespace berth::app
