// GET /v2/: tells that this is a v2 registry, and (later) whether the caller is let in.
#include "api/v2/endpoints.h"

namespace berth::api::v2 {

Outcome check_version(Call&) { return json_response("{}"); }

} // namespace berth::api::v2
