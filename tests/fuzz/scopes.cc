// Scopes that are asked for at /v2/token: a line for each. Whatever is asked for, nobody is given more than the rules
// let anybody do, and what was given is what the token is good for.
#include "auth/rules_access.h"
#include "base/clock.h"
#include "fuzz/oracle.h"

using namespace berth;
using namespace berth::fuzz;

namespace {

class Noon final : public Clock {
public:
  Time now() const override { return Time(std::chrono::seconds(1'800'000'000)); }
};

auth::RulesAccess access(const Clock& clock) {
  auth::WrittenRules written;
  written.rules = {{"", "anyone", {"public/**"}, {"pull"}}, {"", "signed-in", {"**"}, {"all"}}};
  return auth::RulesAccess({.rules = auth::Rules::make(written).value(), .sources = {}, .secret = "secret"}, clock);
}

} // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  static const Noon noon;
  static auth::RulesAccess service = access(noon);
  static const auth::OwnTokens tokens("secret");
  auth::TokenRequest request;
  for (std::string_view input = text_of(bytes, size); !input.empty();) request.scopes.emplace_back(take_line(input));

  const auto issued = service.issue(request);
  if (!issued) {
    require(is(issued.error().error, Code::bad_request));
    return 0;
  }
  const auto token =
      tokens.read(issued->token, auth::OwnToken::Use::access, std::chrono::floor<std::chrono::seconds>(noon.now()));
  require(token && token->caller.is_nobody());
  for (const auth::Access& scope : token->scopes) {
    if (scope.type == "registry") {
      require(scope.name == "catalog" && scope.action == "*");
      continue;
    }
    require(scope.type == "repository" && scope.name.starts_with("public/") && scope.action == "pull" &&
            model::RepositoryName::parse(scope.name).has_value());
    const std::string authorization = "Bearer " + issued->token;
    require(service
                .authorize({.credentials = {.authorization = authorization, .time = noon.now()},
                            .right = auth::Right::pull,
                            .repository = scope.name})
                .has_value());
  }
  return 0;
}
