#include "auth/token_claims.h"

#include <algorithm>
#include <cstdint>

#include "model/strict_json.h"

namespace berth::auth {
namespace {

using std::chrono::sys_seconds;

constexpr std::int64_t last_second = 253'402'300'799; // of the year 9999

std::unexpected<Error> refused(std::string why) { return fail(Code::unauthorized, std::move(why)); }

Result<std::string> text_of(const model::Json& object, const char* name) {
  auto text = model::string_member(object, name);
  if (!text) return refused(text.error().detail);
  return text;
}

// A string, or a list of them.
Result<std::vector<std::string>> audience_of(const model::Json& claims) {
  const auto audience = claims.find("aud");
  if (audience != claims.end() && audience->is_string()) return std::vector{audience->get<std::string>()};
  auto list = model::strings_member(claims, "aud");
  if (!list) return refused(list.error().detail);
  return list;
}

Result<std::vector<TokenClaims::Resource>> access_of(const model::Json& claims) {
  std::vector<TokenClaims::Resource> access;
  if (!model::has_value(claims, "access")) return access;
  const model::Json& list = claims["access"];
  if (!list.is_array()) return refused("access is not a list");
  for (const model::Json& entry : list) {
    if (entry.is_null()) continue; // gives nothing
    if (!entry.is_object()) return refused("access holds something else than objects");
    BERTH_TRY(std::string type, text_of(entry, "type"));
    BERTH_TRY(std::string name, text_of(entry, "name"));
    BERTH_CHECK(text_of(entry, "class")); // for docker/distribution's policy.repository.classes
    auto actions = model::strings_member(entry, "actions");
    if (!actions) return refused(actions.error().detail);
    access.push_back({std::move(type), std::move(name), *std::move(actions)});
  }
  return access;
}

} // namespace

Result<std::optional<sys_seconds>> time_claim(const model::Json& claims, const char* name) {
  if (!model::has_value(claims, name)) return std::nullopt;
  const model::Json& time = claims[name];
  // A number beyond int64 is an unsigned one, or no integer.
  if (!time.is_number_integer() || (time.is_number_unsigned() && time.get<std::uint64_t>() > last_second) ||
      time.get<std::int64_t>() < 0)
    return refused(std::string(name) + " is no time");
  return sys_seconds(std::chrono::seconds(time.get<std::int64_t>()));
}

Result<RegisteredClaims> RegisteredClaims::parse(const model::Json& claims, std::string_view issuer,
                                                 std::string_view audience) {
  const auto stated_issuer = model::string_member(claims, "iss");
  if (!stated_issuer || *stated_issuer != issuer) return refused("another issuer (iss)");
  BERTH_TRY(const auto audiences, audience_of(claims));
  if (std::ranges::find(audiences, audience) == audiences.end()) return refused("for another service (aud)");
  BERTH_TRY(const auto expires, time_claim(claims, "exp"));
  if (!expires) return refused("it never expires (exp)");
  BERTH_TRY(const auto not_before, time_claim(claims, "nbf"));
  BERTH_TRY(std::string subject, text_of(claims, "sub"));
  return RegisteredClaims{std::move(subject), *expires, not_before};
}

Result<> RegisteredClaims::check_time(sys_seconds now) const {
  if (expires < now - clock_leeway) return refused("it has expired");
  if (not_before && *not_before > now + clock_leeway) return refused("it is not valid yet");
  return {};
}

Result<TokenClaims> TokenClaims::parse(std::string_view json, std::string_view issuer, std::string_view service) {
  const auto claims = model::parse_json(json, model::Duplicates::refused);
  if (!claims) return refused("the claims: " + claims.error().detail);
  BERTH_TRY(RegisteredClaims registered, RegisteredClaims::parse(*claims, issuer, service));
  BERTH_TRY(auto access, access_of(*claims));
  return TokenClaims{std::move(registered), std::move(access)};
}

bool TokenClaims::allow(std::string_view type, std::string_view name, std::string_view action) const {
  return std::ranges::any_of(access, [&](const Resource& resource) {
    return resource.type == type && resource.name == name &&
           std::ranges::any_of(resource.actions, [&](const auto& given) { return given == action || given == "*"; });
  });
}

} // namespace berth::auth
