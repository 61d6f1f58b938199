#include "auth/workload_tokens.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "auth/token_claims.h"
#include "base/utf8.h"

namespace berth::auth {
namespace {

using std::chrono::sys_seconds;

constexpr std::array<std::string_view, 4> algorithms{"EdDSA", "ES256", "PS256", "RS256"};
constexpr std::chrono::hours longest_life{24};
constexpr std::size_t max_value_bytes = 512; // of a subject, of a claim

std::unexpected<Error> refused(std::string why) { return fail(Code::unauthorized, std::move(why)); }

// Three parts of base64url, the first the beginning of a JSON object with a string in it: {"
bool has_form_of_jwt(std::string_view text) {
  const auto is_of_it = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == '.';
  };
  return text.starts_with("eyJ") && std::ranges::count(text, '.') == 2 && std::ranges::all_of(text, is_of_it);
}

// A claim as rules see it; empty for what is neither text nor number nor boolean.
std::string text_of(const model::Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_boolean() || value.is_number()) return value.dump();
  return {};
}

// A token that lives for longer than a day is no token of a job.
Result<> check_life(const model::Json& claims, const RegisteredClaims& registered, sys_seconds now) {
  BERTH_CHECK(registered.check_time(now));
  BERTH_TRY(const auto issued, time_claim(claims, "iat"));
  if (issued && *issued > now + clock_leeway) return refused("it was issued in the future (iat)");
  if (registered.expires > now + longest_life + clock_leeway || (issued && registered.expires - *issued > longest_life))
    return refused("it lives for longer than 24 hours (exp)");
  return {};
}

Result<Caller> caller_of(const model::Json& claims, const RegisteredClaims& registered,
                         const WorkloadTokens::Issuer& issuer) {
  if (registered.subject.empty() || registered.subject.size() > max_value_bytes || !is_plain_utf8(registered.subject))
    return refused("its subject is no name (sub)");
  Caller caller{.user = issuer.name + ":" + registered.subject,
                .stamp = std::to_string(registered.expires.time_since_epoch().count()),
                .kind = Caller::Kind::workload,
                .issuer = issuer.name};
  for (const std::string& name : issuer.claims) {
    const auto claim = claims.find(name);
    if (claim == claims.end()) continue;
    std::string value = text_of(*claim);
    if (!value.empty() && value.size() <= max_value_bytes && is_plain_utf8(value))
      caller.claims.emplace(name, std::move(value));
  }
  return caller;
}

} // namespace

Result<std::unique_ptr<WorkloadTokens>> WorkloadTokens::make(const Options& options, const Fetch& fetch,
                                                             const Clock& clock, Logger& logger) {
  std::vector<Trusted> trusted;
  for (const Issuer& issuer : options.issuers) {
    const auto is_same = [&](const Trusted& other) {
      return other.issuer.name == issuer.name || other.issuer.url == issuer.url;
    };
    const std::string key = "berth.access.issuers." + issuer.name;
    if (issuer.name.empty() || issuer.url.empty() || issuer.audience.empty())
      return fail(Code::invalid, key + ": an issuer has a name, a url and an audience");
    if (std::ranges::any_of(trusted, is_same))
      return fail(Code::invalid, key + ": no two issuers have one name, or one url");
    BERTH_TRY(auto keys, IssuerKeys::make({issuer.name, issuer.url, issuer.jwks}, fetch, clock, logger));
    trusted.push_back({issuer, std::move(keys)});
  }
  return std::unique_ptr<WorkloadTokens>(new WorkloadTokens(std::move(trusted), options.token_lifetime, clock));
}

std::optional<Result<Caller>> WorkloadTokens::identify(const Login& login) {
  if (!has_form_of_jwt(login.password)) return std::nullopt;
  return verify(login);
}

Result<Caller> WorkloadTokens::verify(const Login& login) const {
  const auto now = std::chrono::floor<std::chrono::seconds>(login.time);
  BERTH_TRY(const Jws jws, Jws::parse(login.password));
  if (std::ranges::find(algorithms, jws.algorithm) == algorithms.end())
    return refused("alg is none of EdDSA, ES256, PS256, RS256");
  const auto claims = model::parse_json(jws.payload, model::Duplicates::refused);
  if (!claims) return refused("the claims: " + claims.error().detail);
  const auto url = model::string_member(*claims, "iss");
  const auto trusted =
      std::ranges::find_if(trusted_, [&](const Trusted& one) { return url && one.issuer.url == *url; });
  if (trusted == trusted_.end()) return refused("its issuer is none of berth.access.issuers (iss)");
  // Before its keys are looked for: what is refused anyhow fetches none.
  BERTH_TRY(const auto registered, RegisteredClaims::parse(*claims, trusted->issuer.url, trusted->issuer.audience));
  BERTH_CHECK(check_life(*claims, registered, now));
  BERTH_TRY(const DatedKey found, trusted->keys->find(jws, now, login.waiting));
  BERTH_CHECK(found.key.verify(jws.algorithm, jws.message, jws.signature));
  return caller_of(*claims, registered, trusted->issuer);
}

std::optional<bool> WorkloadTokens::is_current(const Caller& caller) {
  if (caller.kind != Caller::Kind::workload) return std::nullopt;
  const auto is_its = [&](const Trusted& one) { return one.issuer.name == caller.issuer; };
  std::int64_t expires = 0;
  const char* const end = caller.stamp.data() + caller.stamp.size();
  const auto [at, error] = std::from_chars(caller.stamp.data(), end, expires);
  if (error != std::errc() || at != end || std::ranges::none_of(trusted_, is_its)) return false;
  return clock_.now() < sys_seconds(std::chrono::seconds(expires)) + clock_leeway + token_lifetime_;
}

} // namespace berth::auth
