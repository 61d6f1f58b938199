// Tokens of auth.token and of workloads, and the JWK sets that verify them. A line for each text: a token, the claims
// of another, a JWK set or a bundle.
#include "auth/key_set.h"
#include "auth/token_claims.h"
#include "auth/workload_tokens.h"
#include "fuzz/oracle.h"
#include "model/jose_base64.h"

using namespace berth;
using namespace berth::fuzz;

namespace {

constexpr std::chrono::sys_seconds now{std::chrono::seconds(1'800'000'000)};
constexpr const char* keys_text =
    R"({"keys":[{"crv":"P-256","kty":"EC","kid":"a","x":"1qTaNpc85Ib7z3AWE08TpVzJTbVNEEWr765CPjKJk2o",)"
    R"("y":"mhMGZKAeXkq0HfyXK4CVL0PO7fKuAroXj1FH8T0KEJg"},)"
    R"({"crv":"Ed25519","kty":"OKP","kid":"b","x":"Y89wskhQxixeM-O3UOs8nEdhtDwSMnEYqabnsJ8Ml18"}]})";

bool is_refusal(const Error& error) { return is(error, Code::unauthorized) && !error.message.empty(); }

// Nobody here has a private key: whatever is signed is signed wrong.
void check_token(const auth::KeySet& keys, std::string_view token) {
  const auto jws = auth::Jws::parse(token);
  if (!jws) return require(is_refusal(jws.error()));
  require(std::string(jws->message) + "." + model::to_jose_base64(jws->signature) == token);
  const auto found = keys.find(*jws, now);
  if (!found) return require(is_refusal(found.error()));
  require(found->from <= now && now < found->until);
  for (const std::string_view algorithm : auth::signature_algorithms) {
    const auto verified = found->key.verify(algorithm, jws->message, jws->signature);
    require(!verified && is_refusal(verified.error()));
  }
}

class NoLog final : public Logger {
public:
  bool enabled(LogLevel) const override { return false; }
  void write(LogLevel, std::string_view, std::initializer_list<LogField>) override {}
};

void check_workload(std::string_view token) {
  static SystemClock clock;
  static NoLog log;
  static const auto source = auth::WorkloadTokens::make(
      {.issuers = {{"i", "https://i", "s"}}}, [](const std::string&) -> Result<std::string> { return keys_text; },
      clock, log);
  require(source.has_value());
  const auto answer = (*source)->identify({.user = "", .password = token, .time = now});
  if (answer.has_value()) require(!answer->has_value() && is_refusal(answer->error()));
}

void check_claims(std::string_view text) {
  const auto claims = auth::TokenClaims::parse(text, "i", "s");
  if (!claims) return require(is_refusal(claims.error()));
  require(claims->check_time(claims->expires + auth::clock_leeway).has_value() || claims->not_before.has_value());
  require(!claims->check_time(claims->expires + auth::clock_leeway + std::chrono::seconds(1)));
  for (const auto& resource : claims->access)
    for (const std::string& action : resource.actions) require(claims->allow(resource.type, resource.name, action));
}

void check_keys(std::string_view text) {
  auth::KeySet set, bundle;
  const auto taken = set.add_jwks(text);
  require(taken ? set.size() > 0 : is(taken.error(), Code::invalid));
  const auto read = bundle.add_bundle(text);
  require(read ? bundle.size() > 0 : is(read.error(), Code::invalid));
}

} // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  static const auth::KeySet keys = [] {
    auth::KeySet set;
    require(set.add_jwks(keys_text).has_value());
    return set;
  }();
  std::string_view input = text_of(bytes, size);
  const std::string_view token = take_line(input);
  check_token(keys, token);
  check_workload(token);
  check_claims(take_line(input));
  check_keys(input);
  return 0;
}
