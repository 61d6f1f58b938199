// The v1 face: the API of Docker before 1.6. A slash at the end of a path makes no difference.
#pragma once

#include "api/face.h"

namespace berth::api::v1 {

Face face();

} // namespace berth::api::v1
