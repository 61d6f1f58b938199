// The face of everything that is no registry's: GET /, and 404 for the rest, in docker/distribution's words.
#pragma once

#include "api/face.h"

namespace berth::api {

Face root_face();

// 404 as docker/distribution answers what it has no route for: text, not JSON.
http::Response plain_not_found();

} // namespace berth::api
