// Functions that the endpoints of the v1 API share: reading a request, and the replies that all of them give.
#pragma once

#include <string>

#include "api/call.h"
#include "model/image_id.h"

namespace berth::api::v1 {

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
