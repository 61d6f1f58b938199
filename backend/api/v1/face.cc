#include "api/v1/face.h"

#include "api/errors.h"
#include "api/v1/endpoints.h"
#include "http/headers.h"

namespace berth::api::v1 {
namespace {

// The release of docker-registry whose manners the face has. Docker before 0.10 does not go on without it.
constexpr std::string_view version = "0.9.1";

// A token that a client sends must be one, for this repository and this action. Without a token the request is as good
// as one with a password, or without.
Attempt<> check_token(const Call& call, const Endpoint& endpoint) {
  constexpr std::string_view scheme = "token";
  const std::string_view header = http::trim(call.header("Authorization"));
  if (endpoint.right == Right::nothing || header.size() <= scheme.size()) return {};
  if (!http::equal_ignoring_case(header.substr(0, scheme.size()), scheme) || header[scheme.size()] != ' ') return {};
  auto token = call.services.v1_tokens.verify(header);
  if (!token) {
    http::Headers challenge;
    if (is(token.error(), Code::unauthorized)) challenge.add("WWW-Authenticate", "Token");
    return fail_with(std::move(token).error(), std::move(challenge));
  }
  if (call.repository && call.repository->name().str() != token->repository)
    return fail(Code::denied, "The token is for another repository");
  if (auth::changes(endpoint.right) && token->access != TokenAccess::write)
    return fail(Code::denied, "The token does not allow to write");
  return {};
}

} // namespace

Face face() {
  return {.owns = [](std::string_view path) { return lies_in(path, "/v1") || path == "/_ping"; },
          .endpoints = endpoints(),
          .render = v1_error_response,
          .version_header = {"X-Docker-Registry-Version", version},
          .ending = Face::Ending::ignored,
          .parse_name = repository_name,
          .admit = check_token,
          .no_such_endpoint = "Not found",
          .no_such_method = "Method not allowed",
          .counted_as = "v1"};
}

} // namespace berth::api::v1
