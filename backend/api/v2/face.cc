#include "api/v2/face.h"

#include "api/errors.h"
#include "api/v2/endpoints.h"

namespace berth::api::v2 {

Face face(TokenRows tokens) {
  return {.owns = [](std::string_view path) { return lies_in(path, "/v2"); },
          .endpoints = tokens == TokenRows::served ? endpoints() : endpoints_without_tokens(),
          .render = error_response,
          .version_header = {"Docker-Distribution-Api-Version", "registry/2.0"}};
}

} // namespace berth::api::v2
