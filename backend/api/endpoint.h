// Endpoint: a row of a face's table, from method and path to the function that answers. The rows of every face are of
// this one type, and the pipeline (api.h) does for all of them what does not depend on the endpoint.
#pragma once

#include <string_view>

#include "api/outcome.h"
#include "auth/access.h"

namespace berth::api {

struct Call;
using auth::Right;

// Errors: any; the client sees them as the face renders them.
using Answer = Outcome (*)(Call& call);

struct Endpoint {
  std::string_view method; // GET stands for HEAD too
  std::string_view pattern;
  std::string_view name; // what metrics call it: docker/distribution's name of the route, if it has one
  Right right;
  Answer answer;
};

} // namespace berth::api
