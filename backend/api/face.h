// Face: one API of the registry as the pipeline (api.h) sees it. To add a face is to write its table and this value.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "api/endpoint.h"
#include "model/names.h"

namespace berth::api {

struct Services;

struct Face {
  // Whether a path is the face's: decoded, and without http.prefix.
  bool (*owns)(std::string_view path);
  std::span<const Endpoint> endpoints;
  http::Response (*render)(const Failure& failure);
  // Carried by every reply, errors too; no name: none.
  struct {
    std::string_view name, value;
  } version_header = {};
  // A path with a slash at its end where the table has none, or the reverse: moved there (301); the same thing;
  // another.
  enum class Ending { moved, ignored, exact } ending = Ending::moved;
  Result<model::RepositoryName> (*parse_name)(std::string_view text) = model::RepositoryName::parse;
  // Returns the caller that a token of the face's own was given to, as such a token replaces a password; nullopt if the
  // request has none. The pointer is null if the face has no tokens. Errors: unauthorized; denied if the token is for
  // something else.
  Attempt<std::optional<auth::Caller>> (*vouch)(const Services& services, const http::Request& request,
                                                const Endpoint& endpoint, const std::string& repository) = nullptr;
  auth::Question::Scheme scheme = auth::Question::Scheme::bearer; // that its clients know
  // The messages of 404 and 405; empty: those of the table of errors.
  std::string_view no_such_endpoint = {}, no_such_method = {};
  // The name in metrics of a request that no row takes.
  std::string_view counted_as = "other";
};

// Whether a path is `base` or below it.
constexpr bool lies_in(std::string_view path, std::string_view base) {
  return path.starts_with(base) && (path.size() == base.size() || path[base.size()] == '/');
}

} // namespace berth::api
