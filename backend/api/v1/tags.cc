// /v1/repositories/<name>/tags: which image a tag names.
#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "api/v1/endpoints.h"
#include "http/headers.h"

namespace berth::api::v1 {
namespace {

// The {tag} of the path. Errors: as for an unknown tag if it is malformed.
Result<model::Tag> existing_tag(const Call& call) {
  auto tag = model::Tag::parse(call.path.get("tag"));
  if (!tag) return fail(Code::manifest_unknown, "Tag not found");
  return tag;
}

template <class T>
Result<T> of_tag(Result<T> result) {
  if (!result && is(result.error(), Code::manifest_unknown)) return fail(Code::manifest_unknown, "Tag not found");
  return result;
}

// To ask for a tag is how a v1 client pulls: it is told as what is in the store, the manifest.
Result<> tell_of_pull(Call& call, const model::Tag& tag) {
  if (!call.events.wanted()) return {};
  BERTH_TRY(const auto digest, call.repository->tags().get(tag));
  BERTH_TRY(const auto manifest, call.repository->manifests().get(digest));
  call.events.manifest(notify::Action::pull, call.repository->name(), model::media_type_of(manifest.kind), digest.str(),
                       manifest.bytes, tag.str());
  return {};
}

// Longest User-Agent that is looked at.
constexpr std::size_t max_user_agent_bytes = 512;

// Returns the note that docker-registry keeps of a push: the time, and the client by its User-Agent, which is a list of
// name/version. If a name is there twice, the last counts.
std::string describe_push(Time now, std::string_view user_agent) {
  user_agent = user_agent.substr(0, max_user_agent_bytes);
  std::map<std::string_view, std::string_view> products;
  while (!user_agent.empty()) {
    const std::size_t end = std::min(user_agent.find_first_of(" \t"), user_agent.size());
    std::string_view word = user_agent.substr(0, end);
    user_agent.remove_prefix(std::min(end + 1, user_agent.size()));
    const std::size_t slash = word.find('/');
    if (slash == 0 || slash == std::string_view::npos) continue;
    const std::string_view version = word.substr(slash + 1, word.find('/', slash + 1) - slash - 1);
    if (!version.empty()) products[word.substr(0, slash)] = version;
  }
  nlohmann::ordered_json document{
      {"last_update", std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count()}};
  const auto add = [&](const char* name, std::string_view product) {
    if (const auto found = products.find(product); found != products.end()) document[name] = found->second;
  };
  add("docker_version", "docker");
  add("docker_go_version", "go");
  for (const char* name : {"arch", "kernel", "os"}) {
    add(name, name);
    if (document.contains(name)) document[name] = http::to_lower(document[name].get<std::string>());
  }
  return document.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

// The note of a tag, or what docker-registry says where it has none.
Outcome description(const Call& call, const model::Tag& tag) {
  constexpr std::string_view nothing_known = R"({"last_update":null,"docker_version":null,"docker_go_version":null,)"
                                             R"("arch":"amd64","os":"linux","kernel":null})";
  const auto note = call.services.v1_tags->note(*call.repository, tag);
  if (!note && !is(note.error(), Code::manifest_unknown)) return std::unexpected(note.error());
  const bool readable = note && nlohmann::json::parse(*note, nullptr, false).is_object();
  return json_reply(readable ? *note : std::string(nothing_known));
}

} // namespace

Outcome list_tags(Call& call) {
  const auto tags = call.services.v1_tags->list(*call.repository, call.request.client_is_gone);
  if (!tags && is(tags.error(), Code::name_unknown)) return fail(Code::manifest_unknown, "Repository not found");
  BERTH_CHECK(tags);
  auto document = nlohmann::ordered_json::object();
  for (const auto& [tag, id] : *tags) document[tag] = id.str();
  return json_reply(document.dump());
}

Outcome get_tag(Call& call) {
  BERTH_TRY(const auto tag, existing_tag(call));
  BERTH_TRY(const auto id, of_tag(call.services.v1_tags->get(*call.repository, tag, call.request.client_is_gone)));
  BERTH_CHECK(tell_of_pull(call, tag));
  return json_reply('"' + id.str() + '"');
}

Outcome put_tag(Call& call) {
  const auto tag = model::Tag::parse(call.path.get("tag"));
  if (!tag) return fail(Code::bad_request, "Invalid tag name");
  BERTH_TRY(const std::string body, read_body(call));
  const auto document = nlohmann::json::parse(body, nullptr, false);
  if (!document.is_string()) return fail(Code::bad_request, "Invalid data");
  const auto id = model::ImageId::parse(document.get<std::string>());
  if (!id) return fail(Code::image_unknown);
  BERTH_CHECK(told_of_tag(*tag, call.services.v1_tags->tag(*call.repository, *tag, *id, call.if_tagged, call.may_read,
                                                           call.request.client_is_gone)));
  BERTH_CHECK(call.services.v1_tags->keep_note(*call.repository, *tag,
                                               describe_push(call.services.clock.now(), call.header("User-Agent"))));
  return done();
}

Outcome delete_tag(Call& call) {
  if (!call.services.options.delete_enabled) return fail(Code::unsupported);
  BERTH_TRY(const auto tag, existing_tag(call));
  BERTH_CHECK(of_tag(call.repository->tags().untag(tag)));
  return done();
}

Outcome describe_tag(Call& call) {
  BERTH_TRY(const auto tag, existing_tag(call));
  BERTH_CHECK(of_tag(call.services.v1_tags->get(*call.repository, tag, call.request.client_is_gone)));
  return description(call, tag);
}

// Of its tag `latest`.
Outcome describe_repository(Call& call) {
  BERTH_CHECK(call.repository->tags().list({}));
  BERTH_TRY(const auto latest, model::Tag::parse("latest"));
  return description(call, latest);
}

} // namespace berth::api::v1
