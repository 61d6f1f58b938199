// The token service of RulesAccess.
#include <algorithm>
#include <set>

#include "auth/challenge.h"
#include "auth/rules_access.h"
#include "auth/scheme.h"

namespace berth::auth {
namespace {

using std::chrono::sys_seconds;

// Further ones are not given. docker asks for two, containerd for as many as an image has sources.
constexpr std::size_t max_scopes = 100;

// A scope as it is asked for. The type ends at the first colon and the actions begin after the last, as a name may
// begin with host:port.
struct Scope {
  std::string type, name;
  std::set<std::string, std::less<>> actions;

  static Result<Scope> parse(std::string_view text) {
    const std::size_t first = text.find(':'), last = text.rfind(':');
    if (first == last || first == 0) return fail(Code::bad_request, {}, "a scope is TYPE:NAME:ACTION[,ACTION...]");
    Scope scope{std::string(text.substr(0, first)), std::string(text.substr(first + 1, last - first - 1)), {}};
    scope.type.resize(std::min(scope.type.find('('), scope.type.size())); // repository(plugin)
    for (std::string_view rest = text.substr(last + 1); !rest.empty();) {
      const std::size_t end = std::min(rest.find(','), rest.size());
      if (end > 0) scope.actions.emplace(rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return scope;
  }

  bool asks(std::string_view action) const { return actions.contains(action) || actions.contains("*"); }
};

void add(std::vector<Access>& granted, Access access) {
  if (std::ranges::find(granted, access) == granted.end() && granted.size() < max_scopes)
    granted.push_back(std::move(access));
}

// Whether its credential lasts as long as a refresh token may.
bool may_refresh(const Caller& caller) {
  return caller.kind == Caller::Kind::user || caller.kind == Caller::Kind::robot;
}

} // namespace

std::expected<IssuedToken, Refusal> RulesAccess::issue(const TokenRequest& request) {
  const auto refused = [&](Error error) {
    const bool asks = is(error, Code::unauthorized);
    error.message.clear(); // of why a token of ours is none, say
    return std::unexpected(Refusal{std::move(error), asks ? basic_challenge(host_of(request.origin)) : ""});
  };
  const auto now = std::chrono::floor<std::chrono::seconds>(clock_.now());
  auto known = identify(request, now);
  if (!known) return refused(std::move(known).error());
  auto scopes = granted(known->caller, request.scopes);
  if (!scopes) return refused(std::move(scopes).error());

  OwnToken token{OwnToken::Use::access, std::move(known->caller), *std::move(scopes), now, now + parts_.token_lifetime};
  auto text = tokens_.sign(token);
  // What does not fit is as if it were not allowed: the client is told what it lacks.
  for (; !text && !token.scopes.empty(); text = tokens_.sign(token)) token.scopes.pop_back();
  if (!text) return refused(std::move(text).error());
  IssuedToken issued{*std::move(text), token.caller.user, parts_.token_lifetime, now, {}};
  const bool refreshes = request.offline && request.refresh_token.empty() && parts_.refresh_lifetime.count() > 0 &&
                         !token.caller.is_nobody() && may_refresh(token.caller);
  if (!refreshes) return issued;
  auto refresh =
      tokens_.sign({OwnToken::Use::refresh, std::move(token.caller), {}, now, now + parts_.refresh_lifetime});
  if (!refresh) return refused(std::move(refresh).error());
  issued.refresh_token = *std::move(refresh);
  return issued;
}

Result<RulesAccess::Known> RulesAccess::identify(const TokenRequest& request, sys_seconds now) {
  if (!request.refresh_token.empty()) {
    if (parts_.refresh_lifetime.count() == 0) return fail(Code::unauthorized);
    BERTH_TRY(OwnToken token, tokens_.read(request.refresh_token, OwnToken::Use::refresh, now));
    if (token.caller.is_nobody() || !is_current(token.caller)) return fail(Code::unauthorized);
    return Known{std::move(token.caller)};
  }
  // A token of ours makes no other: it would never end.
  if (OwnTokens::is_one(bearer_token(request.credentials.authorization))) return fail(Code::unauthorized);
  BERTH_TRY(Known known, identify(request.credentials));
  if (known.caller.is_nobody() && !parts_.rules.let_anyone_in()) return fail(Code::unauthorized);
  // As Basic has it or, of a robot, as it is called.
  if (!request.account.empty() && !known.login.empty() && request.account != known.login &&
      request.account != known.caller.user)
    return fail(Code::unauthorized);
  return known;
}

Result<std::vector<Access>> RulesAccess::granted(const Caller& caller, const std::vector<std::string>& scopes) const {
  std::vector<Access> granted;
  for (const std::string& text : scopes) {
    BERTH_TRY(const Scope scope, Scope::parse(text));
    if (scope.type == "registry" && scope.name == "catalog" && scope.asks("*"))
      add(granted, {scope.type, scope.name, "*"});
    if (scope.type != "repository") continue;
    const Rights rights = rights_of(caller, scope.name);
    for (const auto& [action, is_allowed] :
         {std::pair("pull", rights.pull), {"push", rights.push || rights.add}, {"delete", rights.remove}})
      if (is_allowed && scope.asks(action)) add(granted, {scope.type, scope.name, action});
  }
  return granted;
}

} // namespace berth::auth
