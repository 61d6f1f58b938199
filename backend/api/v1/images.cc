// GET /v1/images/<id>/…: the parts of an image. They never change, and caches may keep them. The layer's bytes are
// nginx's to send, as a blob's are.
#include <nlohmann/json.hpp>

#include "api/v1/endpoints.h"
#include "model/byte_range.h"
#include "model/media_types.h"

namespace berth::api::v1 {

Result<http::Response> get_json(Call& call) {
  BERTH_TRY(const auto id, image_id(call));
  BERTH_TRY(registry::V1Image image, call.images.find(id, call.may_read));
  if (has_it(call)) return not_modified(call);
  http::Response response = immutable(call);
  response.headers.add("Content-Type", "application/json");
  response.headers.add("X-Docker-Size", std::to_string(image.layer.size));
  if (!image.checksums.empty()) response.headers.add("X-Docker-Checksum-Payload", image.checksums.front());
  response.body = std::move(image.json);
  return response;
}

Result<http::Response> get_ancestry(Call& call) {
  BERTH_TRY(const auto id, image_id(call));
  BERTH_TRY(const auto ids, call.images.ancestry(id, call.may_read));
  if (has_it(call)) return not_modified(call);
  auto document = nlohmann::json::array();
  for (const model::ImageId& one : ids) document.push_back(one.str());
  http::Response response = immutable(call);
  response.headers.add("Content-Type", "application/json");
  response.body = document.dump();
  return response;
}

Result<http::Response> get_layer(Call& call) {
  BERTH_TRY(const auto id, image_id(call));
  BERTH_TRY(const registry::V1Image image, call.images.find(id, call.may_read));
  if (has_it(call)) return not_modified(call);
  http::Response response = immutable(call);
  response.headers.add("Content-Type", std::string(model::media::octet_stream));
  if (call.request.method == "HEAD") {
    response.headers.add("Accept-Ranges", "bytes"); // of a GET, nginx says it
    response.length_of_get = image.layer.size;
    return response;
  }
  if (call.request.headers.has("Range") && !model::is_satisfiable(call.header("Range"), image.layer.size)) {
    // A client that has all of it asks for what follows, and takes a 416 without a body for the end.
    response.status = 416;
    response.headers.add("Content-Range", "bytes */" + std::to_string(image.layer.size));
    return response;
  }
  BERTH_TRY(auto location, call.images.locate(image));
  if (auto* file = std::get_if<registry::StoredFile>(&location))
    response.body = http::StoreFile{std::move(file->path)};
  else
    response.body = std::move(std::get<std::string>(location));
  return response;
}

} // namespace berth::api::v1
