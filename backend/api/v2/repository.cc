// DELETE /v2/<name>/_berth/repository: a repository with all that is in it. No specification has it; docker-registry
// has no way at all.
#include "api/v2/endpoints.h"

namespace berth::api::v2 {

Outcome delete_repository(Call& call) {
  if (!call.services.options.delete_enabled) return fail(Code::unsupported);
  BERTH_CHECK(call.repository->remove());
  return empty_response(202);
}

} // namespace berth::api::v2
