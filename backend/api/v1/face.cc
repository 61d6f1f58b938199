#include "api/v1/face.h"

#include "api/call.h"
#include "api/errors.h"
#include "api/v1/endpoints.h"
#include "auth/scheme.h"
#include "http/headers.h"

namespace berth::api::v1 {
namespace {

// The release of docker-registry whose manners the face has. Docker before 0.10 does not go on without it.
constexpr std::string_view version = "0.9.1";

// A token that a client sends must be one, for this repository and this action, and stands in the place of the password
// of the user who was given it. Without a token the request is as good as one with a password, or without.
Attempt<std::optional<auth::Caller>> vouch(const Services& services, const http::Request& request,
                                           const Endpoint& endpoint, const std::string& repository) {
  const std::string_view header = http::trim(request.headers.get("Authorization"));
  if (!auth::after_scheme(header, "token")) return std::nullopt;
  auto token = services.v1_tokens.verify(header);
  if (!token) {
    http::Headers challenge;
    if (is(token.error(), Code::unauthorized)) challenge.add("WWW-Authenticate", "Token");
    return fail_with(std::move(token).error(), std::move(challenge));
  }
  if (!repository.empty() && repository != token->repository)
    return fail(Code::denied, "The token is for another repository");
  if (auth::changes(endpoint.right) && token->access != TokenAccess::write)
    return fail(Code::denied, "The token does not allow to write");
  return std::move(token->caller);
}

} // namespace

Face face() {
  return {.owns = [](std::string_view path) { return lies_in(path, "/v1") || path == "/_ping"; },
          .endpoints = endpoints(),
          .render = v1_error_response,
          .version_header = {"X-Docker-Registry-Version", version},
          .ending = Face::Ending::ignored,
          .parse_name = repository_name,
          .vouch = vouch,
          .scheme = auth::Question::Scheme::basic,
          .no_such_endpoint = "Not found",
          .no_such_method = "Method not allowed",
          .counted_as = "v1"};
}

} // namespace berth::api::v1
