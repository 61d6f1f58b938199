// GET /v1/images/<id>/…: the parts of an image. They never change, and caches may keep them. The layer's bytes are
// nginx's to send, as a blob's are.
#include <nlohmann/json.hpp>

#include "api/preconditions.h"
#include "api/v1/endpoints.h"
#include "model/byte_range.h"
#include "model/media_types.h"

namespace berth::api::v1 {
namespace {

http::Response layer_headers(const Call& call) {
  http::Response response = immutable(call);
  response.headers.add("Content-Type", std::string(model::media::octet_stream));
  return response;
}

// An image's path names no repository: the pull is of the one that the client's token names, or else of one that has
// the image. An image that is not tagged yet is in none, and its pull is not told.
Result<> tell_of_pull(Call& call, const registry::V1Image& image) {
  if (!call.events.wanted()) return {};
  std::optional<model::RepositoryName> repository;
  if (const auto token = call.services.v1_tokens.verify(call.header("Authorization")))
    if (auto name = model::RepositoryName::parse(token->repository)) repository = *std::move(name);
  if (!repository) {
    BERTH_TRY(repository, call.services.v1_images->repository_of(image.id, call.may_read));
  }
  if (repository) call.events.blob(notify::Action::pull, *repository, image.layer);
  return {};
}

} // namespace

Outcome get_json(Call& call) {
  BERTH_TRY(const auto id, image_id(call));
  BERTH_TRY(registry::V1Image image, call.services.v1_images->find(id, call.may_read));
  if (has_it(call)) return not_modified(call);
  http::Response response = immutable(call);
  response.headers.add("Content-Type", "application/json");
  response.headers.add("X-Docker-Size", std::to_string(image.layer.size));
  if (!image.checksums.empty()) response.headers.add("X-Docker-Checksum-Payload", image.checksums.front());
  response.body = std::move(image.json);
  return response;
}

Outcome get_ancestry(Call& call) {
  BERTH_TRY(const auto id, image_id(call));
  BERTH_TRY(const auto ids, call.services.v1_images->ancestry(id, call.may_read));
  if (has_it(call)) return not_modified(call);
  auto document = nlohmann::json::array();
  for (const model::ImageId& one : ids) document.push_back(one.str());
  http::Response response = immutable(call);
  response.headers.add("Content-Type", "application/json");
  response.body = document.dump();
  return response;
}

Outcome get_layer(Call& call) {
  BERTH_TRY(const auto id, image_id(call));
  BERTH_TRY(const registry::V1Image image, call.services.v1_images->find(id, call.may_read));
  // There is no entity tag, and the date is older than any that a client can name.
  if (precondition_of(call.request, {}) == Precondition::failed) return fail(Code::precondition_failed);
  const bool sends_bytes = !has_it(call) && !call.is_head();
  if (sends_bytes && call.request.headers.has("Range") &&
      !model::is_satisfiable(call.header("Range"), image.layer.size)) {
    // A client that has all of it asks for what follows, and takes a 416 without a body for the end.
    http::Response response = layer_headers(call);
    response.status = 416;
    response.headers.add("Content-Range", "bytes */" + std::to_string(image.layer.size));
    return response;
  }
  BERTH_CHECK(tell_of_pull(call, image));
  if (has_it(call)) return not_modified(call);
  http::Response response = layer_headers(call);
  if (call.is_head()) {
    response.headers.add("Accept-Ranges", "bytes"); // of a GET, nginx says it
    response.length_of_get = image.layer.size;
    return response;
  }
  BERTH_TRY(auto location, call.services.v1_images->locate(image));
  send_stored(response, std::move(location), image.layer.size);
  return response;
}

} // namespace berth::api::v1
