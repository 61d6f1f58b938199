#include "auth/rules_access.h"

#include <algorithm>
#include <utility>

#include "auth/basic.h"
#include "auth/challenge.h"
#include "auth/scheme.h"

namespace berth::auth {
namespace {

using std::chrono::sys_seconds;

constexpr std::size_t max_verified = 1'000;          // tokens that are remembered
constexpr std::chrono::hours nobody_is_known_for{1}; // a change of the rules is a reload, and that is at once

sys_seconds seconds_of(Time time) { return std::chrono::floor<std::chrono::seconds>(time); }

Rights common(const Rights& a, const Rights& b) {
  return {.pull = a.pull && b.pull,
          .add = a.add && b.add,
          .push = a.push && b.push,
          .remove = a.remove && b.remove,
          .all = a.all && b.all};
}

// Within the caller's bounds, as if each were a rule.
template <class Of>
Rights bounded(const Rights& rights, const Caller& caller, const Of& of) {
  if (caller.bounds.empty()) return rights;
  WrittenRules written;
  for (const Bound& bound : caller.bounds)
    written.rules.push_back({"a bound", "anyone", {bound.repository}, {bound.action}});
  const auto rules = Rules::make(written);
  return rules ? common(rights, of(*rules)) : Rights{};
}

bool allows(const Rights& rights, Right right) {
  switch (right) {
  case Right::pull: return rights.pull;
  case Right::push: return rights.push || rights.add;
  case Right::remove: return rights.remove;
  case Right::nothing:
  case Right::known:
  case Right::catalog: break;
  }
  return true;
}

// What a token must be good for, by the right alone: berth's rows know uploads better than methods do.
std::vector<Access> scopes_of(Right right, std::string_view repository) {
  const std::string name(repository);
  if (right == Right::catalog) return {{"registry", "catalog", "*"}};
  if (name.empty()) return {};
  if (right == Right::pull) return {{"repository", name, "pull"}};
  if (right == Right::push) return {{"repository", name, "pull"}, {"repository", name, "push"}};
  if (right == Right::remove) return {{"repository", name, "delete"}};
  return {};
}

// One resource, which is all that some clients ask for a second time, and what a mount reads from.
std::vector<Access> asked_for(const Question& question) {
  std::vector<Access> scopes = scopes_of(question.right, question.repository);
  if (question.right == Right::push)
    std::ranges::copy_if(question.needed, std::back_inserter(scopes), [&](const Access& access) {
      return access.type == "repository" && access.name != question.repository;
    });
  return scopes;
}

} // namespace

RulesAccess::RulesAccess(Parts parts, const Clock& clock)
    : parts_(std::move(parts)),
      tokens_(parts_.secret),
      clock_(clock),
      verified_(LruMap<std::string, std::shared_ptr<const OwnToken>>(max_verified)) {}

std::expected<Grant, Refusal> RulesAccess::authorize(const Question& question) {
  auto known = identify(question.credentials);
  if (!known) {
    const bool by_token = !bearer_token(question.credentials.authorization).empty();
    return std::unexpected(refusal(question, known.error(), by_token ? "invalid_token" : ""));
  }
  const auto refused = [&](Code code, std::string_view why = {}) {
    Refusal made = refusal(question, {code, {}, {}}, why);
    made.user = known->caller.user;
    return std::unexpected(std::move(made));
  };
  if (!may(*known, question)) {
    if (!known->caller.is_nobody()) return refused(Code::denied);
    return refused(Code::unauthorized, known->token ? "insufficient_scope" : "");
  }
  if (known->token) { // the last of the scopes is the right's own
    const auto scopes = scopes_of(question.right, question.repository);
    if (!scopes.empty() && !known->token->covers(scopes.back().type, scopes.back().name, scopes.back().action))
      return refused(Code::unauthorized, "insufficient_scope");
  }
  return grant(*std::move(known), question);
}

Result<RulesAccess::Known> RulesAccess::identify(const Credentials& from) {
  if (from.vouched != nullptr) {
    if (!from.vouched->is_nobody() && !is_current(*from.vouched))
      return fail(Code::unauthorized, "not who was vouched for any more");
    return Known{*from.vouched};
  }
  if (const std::string_view token = bearer_token(from.authorization); !token.empty()) return of_token(token, from);
  BasicCredentials basic;
  if (!from.authorization.empty()) {
    auto parsed = parse_basic(from.authorization);
    if (!parsed) return fail(Code::unauthorized);
    basic = *std::move(parsed);
  }
  if (basic.is_nobody()) {
    if (from.certificate.empty() || !parts_.certificates) return Known{};
    BERTH_TRY(Caller caller, parts_.certificates->of(from.certificate));
    return Known{std::move(caller)};
  }
  if (basic.user.empty()) return fail(Code::unauthorized);
  BERTH_TRY(Caller caller, ask_sources({basic.user, basic.password, from.address, from.time, from.waiting}));
  return Known{std::move(caller), nullptr, basic.user};
}

Result<RulesAccess::Known> RulesAccess::of_token(std::string_view token, const Credentials& from) {
  if (!OwnTokens::is_one(token)) {
    BERTH_TRY(Caller caller, ask_sources({{}, token, from.address, from.time, from.waiting}));
    return Known{std::move(caller)};
  }
  BERTH_TRY(auto own, read(token, seconds_of(from.time)));
  if (!is_current(own->caller)) return fail(Code::unauthorized, "whose it is has changed");
  return Known{own->caller, std::move(own)};
}

// Clients show one token many times: its MAC and its JSON are looked at once.
Result<std::shared_ptr<const OwnToken>> RulesAccess::read(std::string_view token, sys_seconds now) {
  const std::string text(token);
  auto known = verified_.with([&](auto& verified) {
    const auto* found = verified.find(text);
    return found != nullptr ? *found : nullptr;
  });
  if (known != nullptr && now < known->expires) return known;
  BERTH_TRY(OwnToken own, tokens_.read(token, OwnToken::Use::access, now));
  known = std::make_shared<const OwnToken>(std::move(own));
  verified_.with([&](auto& verified) { verified.put(text, known); });
  return known;
}

Result<Caller> RulesAccess::ask_sources(const Login& login) const {
  for (const auto& source : parts_.sources)
    if (auto answer = source->identify(login)) return *std::move(answer);
  return fail(Code::unauthorized);
}

bool RulesAccess::is_current(const Caller& caller) const {
  if (caller.is_nobody()) return parts_.rules.let_anyone_in();
  if (caller.kind == Caller::Kind::certificate) return parts_.certificates.has_value();
  for (const auto& source : parts_.sources)
    if (const auto answer = source->is_current(caller)) return *answer;
  return false;
}

Rights RulesAccess::rights_of(const Caller& caller, std::string_view repository) const {
  if (!model::RepositoryName::parse(repository)) return {};
  return bounded(parts_.rules.of(caller, repository), caller,
                 [&](const Rules& bounds) { return bounds.of(Caller{}, repository); });
}

// By today's rules.
bool RulesAccess::may(const Known& known, const Question& question) const {
  const bool is_somebody = !known.caller.is_nobody();
  switch (question.right) {
  case Right::nothing: return true;
  // Also where everything is public: clients decide by it whether they will send a password (docs/decisions/0038).
  case Right::known: return is_somebody || known.token != nullptr;
  case Right::catalog: return is_somebody || parts_.rules.let_anyone_in();
  case Right::pull:
    // An image of v1, which is read through whatever repository may be pulled.
    if (question.repository.empty()) return is_somebody || parts_.rules.let_anyone_in();
    break;
  case Right::push:
  case Right::remove:
    if (question.repository.empty())
      return allows(bounded(parts_.rules.anywhere(known.caller), known.caller,
                            [](const Rules& bounds) { return bounds.anywhere(Caller{}); }),
                    question.right);
    break;
  }
  return allows(rights_of(known.caller, question.repository), question.right);
}

Grant RulesAccess::grant(Known known, const Question& question) const {
  Grant grant{known.caller};
  if (known.token)
    grant.good_until = known.token->expires;
  else if (known.caller.is_nobody())
    grant.good_until = seconds_of(question.credentials.time) + nobody_is_known_for;
  if (question.right == Right::push && !question.repository.empty())
    grant.may_move_tags = rights_of(known.caller, question.repository).push;
  // A list of repositories is no matter of scopes.
  if (question.right == Right::catalog) known.token.reset();
  if (!known.token && known.caller.bounds.empty() && parts_.rules.let_anyone_pull_all()) return grant;
  grant.may_pull = [this, known = std::move(known)](const model::RepositoryName& name) {
    return (!known.token || known.token->covers("repository", name.str(), "pull")) &&
           rights_of(known.caller, name.str()).pull;
  };
  return grant;
}

Refusal RulesAccess::refusal(const Question& question, const Error& error, std::string_view why) const {
  const Code code = error.code;
  if (code != Code::unauthorized) return {{code, {}, {}}};
  const std::string_view service = host_of(question.origin);
  if (question.scheme == Question::Scheme::basic) return {{code, {}, {}}, basic_challenge(service)};
  return {{code, {}, {}},
          bearer_challenge(std::string(question.origin) + parts_.token_path, service, asked_for(question),
                           Grouping::by_resource, why)};
}

} // namespace berth::auth
