#include "auth/caller_text.h"

namespace berth::auth {
namespace {

using model::Json;

constexpr std::array<std::string_view, 4> kinds{"user", "robot", "workload", "certificate"}; // in Kind's order

} // namespace

Json caller_json(const Caller& caller) {
  Json json = Json::object();
  if (caller.is_nobody()) return json;
  json["kind"] = kinds[static_cast<std::size_t>(caller.kind)];
  for (const auto& [name, text] : {std::pair("sub", &caller.user), {"stamp", &caller.stamp}, {"iss", &caller.issuer}})
    if (!text->empty()) json[name] = *text;
  if (!caller.groups.empty()) json["groups"] = caller.groups;
  if (!caller.claims.empty()) json["claims"] = caller.claims;
  for (const Bound& bound : caller.bounds) json["bounds"].push_back({bound.action, bound.repository});
  return json;
}

Result<Caller> caller_of(const Json& json) {
  Caller caller;
  BERTH_TRY(caller.user, model::string_member(json, "sub"));
  if (caller.is_nobody()) return caller;
  BERTH_TRY(const std::size_t kind, one_of(kinds, json, "kind"));
  caller.kind = static_cast<Caller::Kind>(kind);
  BERTH_TRY(caller.stamp, model::string_member(json, "stamp"));
  BERTH_TRY(caller.issuer, model::string_member(json, "iss"));
  BERTH_TRY(caller.groups, model::strings_member(json, "groups"));
  BERTH_TRY(auto bounds, string_lists<2>(json, "bounds"));
  for (auto& [action, repository] : bounds) caller.bounds.push_back({std::move(action), std::move(repository)});
  if (const auto claims = json.find("claims"); claims != json.end() && claims->is_object())
    for (const auto& [name, value] : claims->items())
      if (value.is_string()) caller.claims.emplace(name, value.get<std::string>());
  return caller;
}

std::string caller_text(const Caller& caller) {
  try {
    return caller.is_nobody() ? "" : caller_json(caller).dump();
  } catch (const Json::exception&) { // no UTF-8
    return {};
  }
}

Result<Caller> read_caller(std::string_view text) {
  if (text.empty()) return Caller{};
  const auto json = model::parse_json(text, model::Duplicates::refused);
  auto caller = json ? caller_of(*json) : Result<Caller>(fail(Code::unauthorized));
  if (!caller) return fail(Code::unauthorized, "of another form");
  return caller;
}

} // namespace berth::auth
