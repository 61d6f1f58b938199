// The v1 face: takes a request below /v1/, finds the endpoint, looks at the token, and calls it.
#pragma once

#include "api/v1/call.h"

namespace berth::api::v1 {

// What Api has that every request of the face needs. Borrows: all of it.
struct Context {
  registry::Registry& registry;
  registry::V1Images& images;
  registry::V1Tags& tags;
  const Options& options;
  const TokenSigner& tokens;
  const Clock& clock;
};

// path: decoded, without http.prefix. Errors: any; the client sees them by v1_error_response.
Result<http::Response> answer(const Context& context, http::Request& request, std::string path, std::string_view query);

} // namespace berth::api::v1
