#include "api/root.h"

#include "api/call.h"
#include "api/errors.h"

namespace berth::api {
namespace {

// Load balancers ask it to see whether anybody is there.
Outcome alive(Call&) {
  http::Response response;
  response.headers.add("Cache-Control", "no-cache");
  return response;
}

constexpr Endpoint table[] = {{"GET", "/", "other", Right::nothing, Cost::quick, alive}};

http::Response render(const Failure& failure) {
  return is(failure.error, Code::route_unknown) ? plain_not_found() : error_response(failure);
}

} // namespace

http::Response plain_not_found() {
  http::Response response;
  response.status = 404;
  response.headers.add("Content-Type", "text/plain; charset=utf-8");
  response.body = "404 page not found\n";
  return response;
}

Face root_face() {
  return {.owns = [](std::string_view) { return true; },
          .endpoints = table,
          .render = render,
          .ending = Face::Ending::exact};
}

} // namespace berth::api
