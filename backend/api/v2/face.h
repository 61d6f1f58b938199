// The v2 face: the API of Docker 1.6 and later and of OCI clients.
#pragma once

#include "api/face.h"

namespace berth::api::v2 {

Face face();

} // namespace berth::api::v2
