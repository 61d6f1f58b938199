// PUT /v1/images/<id>/…: pushing an image: its JSON, its layer, its checksum, in this order. A push that was cut off
// begins again with the JSON.
#include "api/v1/endpoints.h"

namespace berth::api::v1 {

Outcome put_json(Call& call) {
  BERTH_TRY(const auto id, image_id(call));
  BERTH_TRY(const std::string json, read_body(call));
  BERTH_CHECK(call.services.v1_images->put_json(id, json));
  return done();
}

Outcome before_layer(Call& call) {
  BERTH_TRY(const auto id, image_id(call));
  BERTH_CHECK(call.services.v1_images->takes_layer(id));
  return http::takes(http::TakesBody::spooled);
}

Outcome put_layer(Call& call) {
  BERTH_TRY(const auto id, image_id(call));
  if (call.request.body_too_large) return fail(Code::io, "a layer of this size must be spooled by nginx");
  BERTH_CHECK(call.services.v1_images->put_layer(id, std::move(call.request.body), call.request.client_is_gone));
  return done();
}

Outcome put_checksum(Call& call) {
  BERTH_TRY(const auto id, image_id(call));
  BERTH_CHECK(call.services.v1_images->put_checksum(
      id, {std::string(call.header("X-Docker-Checksum-Payload")), std::string(call.header("X-Docker-Checksum"))}));
  return done();
}

} // namespace berth::api::v1
