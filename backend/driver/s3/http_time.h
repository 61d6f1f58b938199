// The time of an HTTP header: Wed, 21 Oct 2015 07:28:00 GMT. RFC 9110 section 5.6.7. Threads: safe.
#pragma once

#include <optional>
#include <string_view>

#include "base/clock.h"

namespace berth::driver::s3 {

// Nothing for any other text.
std::optional<Time> parse_http_time(std::string_view text);

} // namespace berth::driver::s3
