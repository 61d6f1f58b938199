// Call: one request on its way through an endpoint of the v1 API, and the replies that all endpoints give.
// Threads: belongs to one request.
#pragma once

#include <memory>
#include <string>

#include "api/api.h"
#include "api/v1/tokens.h"
#include "http/message.h"
#include "http/router.h"
#include "http/url.h"
#include "model/image_id.h"
#include "registry/v1_images.h"

namespace berth::api::v1 {

struct Call {
  registry::Registry& registry;
  registry::V1Images& images;
  registry::V1Tags& tags;
  const Options& options;
  const TokenSigner& tokens;
  const Clock& clock;

  http::Request& request;
  const http::Query query;
  const http::PathParameters path;
  // The repository of the path; none for endpoints without a {name...}.
  const std::unique_ptr<registry::Repository> repository;
  // What the caller may read: everything, so far. Access control fills it in.
  const registry::MayRead may_read;

  std::string_view header(std::string_view name) const { return request.headers.get(name); }
};

// The name of a repository in a path: v1's namespace `library` is a repository without one.
// Errors: name_invalid.
Result<model::RepositoryName> repository_name(std::string_view text);

// A JSON document that caches must not keep, as everything but an image is.
http::Response json_reply(std::string document, int status = 200);
// `true`, the reply of what has nothing to say.
http::Response done(int status = 200);

// Whether the client asks for what it has: an image's parts never change, so any date will do.
bool has_it(const Call& call);
// The headers of an image's parts: kept by caches for a year.
http::Response immutable(const Call& call);
http::Response not_modified(const Call& call);

// The image {id} of the path. Errors: image_unknown.
Result<model::ImageId> image_id(const Call& call);
// The bytes of a body that is a JSON document. Errors: bad_request if it is larger than the pool takes in memory.
Result<std::string> read_body(const Call& call);

} // namespace berth::api::v1
