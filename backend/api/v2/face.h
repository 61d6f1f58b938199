// The v2 face: the API of Docker 1.6 and later and of OCI clients.
#pragma once

#include "api/face.h"

namespace berth::api::v2 {

// Whether /v2/token is among its endpoints.
enum class TokenRows { absent, served };
Face face(TokenRows tokens);

} // namespace berth::api::v2
