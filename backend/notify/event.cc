#include "notify/event.h"

#include <array>
#include <nlohmann/json.hpp>

namespace berth::notify {
namespace {

using Json = nlohmann::ordered_json;

void put_text(Json& object, const char* name, const std::string& text) {
  if (!text.empty()) object[name] = text;
}

Json target_json(const Target& target) {
  Json json = Json::object();
  put_text(json, "mediaType", target.media_type);
  // As Go leaves out what is zero: the empty blob has no size.
  if (target.size.value_or(0) > 0) json["size"] = *target.size;
  put_text(json, "digest", target.digest);
  if (target.size.value_or(0) > 0) json["length"] = *target.size; // what size was called first
  put_text(json, "repository", target.repository);
  put_text(json, "fromRepository", target.from_repository);
  put_text(json, "url", target.url);
  put_text(json, "tag", target.tag);
  if (!target.references.empty()) json["references"] = Json::parse(target.references);
  return json;
}

Json request_json(const RequestRecord& request) {
  Json json = Json::object();
  json["id"] = request.id;
  put_text(json, "addr", request.address);
  put_text(json, "host", request.host);
  json["method"] = request.method;
  json["useragent"] = request.user_agent;
  return json;
}

// The fields of a descriptor that docker/distribution 2.8 tells of; of those that are there and not empty.
Json descriptor_json(const Json& from) {
  constexpr std::array<const char*, 5> fields{"mediaType", "size", "digest", "urls", "annotations"};
  Json json = Json::object();
  for (const char* field : fields) {
    const auto found = from.find(field);
    if (found == from.end() || found->empty() || *found == "" || *found == 0) continue;
    json[field] = *found;
  }
  return json;
}

} // namespace

std::string_view name_of(Action action) {
  switch (action) {
  case Action::pull: return "pull";
  case Action::push: return "push";
  case Action::mount: return "mount";
  case Action::remove: return "delete";
  }
  return "";
}

std::string to_json(const Event& event) {
  Json json = Json::object();
  json["id"] = event.id;
  json["timestamp"] = to_rfc3339_nano(event.time);
  json["action"] = name_of(event.action);
  json["target"] = target_json(event.target);
  json["request"] = request_json(event.request);
  json["actor"] = Json::object();
  put_text(json["actor"], "name", event.actor);
  json["source"] = Json::object();
  put_text(json["source"], "addr", event.source.address);
  put_text(json["source"], "instanceID", event.source.instance);
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<std::string> envelope_of(std::string_view event_json) {
  Json event = Json::parse(event_json, nullptr, false);
  if (!event.is_object()) return fail(Code::corrupt, "an event is no JSON object");
  Json envelope = Json::object();
  envelope["events"] = Json::array({std::move(event)});
  return envelope.dump(3, ' ', false, Json::error_handler_t::replace);
}

std::string references_of(std::string_view manifest) {
  const Json document = Json::parse(manifest, nullptr, false);
  if (!document.is_object()) return {};
  Json references = Json::array();
  const auto take = [&](const Json& descriptor) {
    if (descriptor.is_object()) references.push_back(descriptor_json(descriptor));
  };
  if (const auto config = document.find("config"); config != document.end()) take(*config);
  for (const char* list : {"layers", "manifests"})
    if (const auto found = document.find(list); found != document.end() && found->is_array())
      for (const Json& descriptor : *found) take(descriptor);
  if (references.empty()) return {};
  return references.dump(-1, ' ', false, Json::error_handler_t::replace);
}

} // namespace berth::notify
