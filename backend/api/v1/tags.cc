// /v1/repositories/<name>/tags: which image a tag names.
#include <nlohmann/json.hpp>

#include "api/v1/endpoints.h"

namespace berth::api::v1 {
namespace {

// The {tag} of the path. A tag that is none is on no image.
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

// What docker-registry knows of the client that pushed; berth does not keep it.
http::Response description(std::string architecture, std::string system) {
  const nlohmann::ordered_json document{
      {"last_update", nullptr},          {"docker_version", nullptr}, {"docker_go_version", nullptr},
      {"arch", std::move(architecture)}, {"os", std::move(system)},   {"kernel", nullptr},
  };
  return json_reply(document.dump());
}

} // namespace

Outcome list_tags(Call& call) {
  const auto tags = call.services.v1_tags->list(*call.repository);
  if (!tags && is(tags.error(), Code::name_unknown)) return fail(Code::manifest_unknown, "Repository not found");
  BERTH_CHECK(tags);
  auto document = nlohmann::ordered_json::object();
  for (const auto& [tag, id] : *tags) document[tag] = id.str();
  return json_reply(document.dump());
}

Outcome get_tag(Call& call) {
  BERTH_TRY(const auto tag, existing_tag(call));
  BERTH_TRY(const auto id, of_tag(call.services.v1_tags->get(*call.repository, tag)));
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
  BERTH_CHECK(call.services.v1_tags->tag(*call.repository, *tag, *id, call.may_read));
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
  BERTH_TRY(const auto id, of_tag(call.services.v1_tags->get(*call.repository, tag)));
  BERTH_TRY(const auto image, call.services.v1_images->find(id, call.may_read));
  const auto json = nlohmann::json::parse(image.json, nullptr, false);
  const auto text = [&](const char* name, const char* otherwise) {
    const auto member = json.find(name);
    return member != json.end() && member->is_string() ? member->get<std::string>() : std::string(otherwise);
  };
  return description(text("architecture", "amd64"), text("os", "linux"));
}

Outcome describe_repository(Call& call) {
  BERTH_CHECK(call.repository->tags().list({}));
  return description("amd64", "linux");
}

} // namespace berth::api::v1
