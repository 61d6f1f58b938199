// base64url without padding, as every part of a JSON web signature has it. Spec: RFC 7515 section 2.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace berth::model {

std::string to_jose_base64(std::string_view bytes);
// Drops blanks and line ends and takes padding, as docker/libtrust does. Errors: invalid.
Result<std::string> from_jose_base64(std::string_view text);

} // namespace berth::model
