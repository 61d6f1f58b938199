// Endpoint: a row of a face's table, from method and path to the function that answers. The rows of every face are of
// this one type, and the pipeline (api.h) does for all of them what does not depend on the endpoint.
#pragma once

#include <string_view>

#include "api/outcome.h"
#include "auth/access.h"

namespace berth::api {

struct Call;
using auth::Right;
using http::Cost;

// Errors: any; the client sees them as the face renders them.
using Answer = Outcome (*)(Call& call);

struct Endpoint {
  std::string_view method; // GET stands for HEAD too
  std::string_view pattern;
  std::string_view name; // what metrics call it: docker/distribution's name of the route, if it has one
  Right right;
  Cost cost;
  Answer answer;
  // Asked before the body is taken: what of the request is wrong whatever the bytes are, or http::TakesBody. Changes
  // nothing. Null: the endpoint takes no body, and answers without one.
  Answer before_body = nullptr;
};

// Of endpoints whose body is a small document, and which say nothing of it before they have it.
Outcome takes_small_body(Call& call);

} // namespace berth::api
