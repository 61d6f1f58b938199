#include "api/call.h"

namespace berth::api {

Result<> told_of_tag(const model::Tag& tag, Result<> tagged) {
  if (tagged || !is(tagged.error(), Code::exists)) return tagged;
  return fail(Code::denied, "the tag " + tag.str() + " exists, and you may add tags only");
}

} // namespace berth::api
