// Preconditions of GET and HEAD on a representation with an entity tag and without a date of modification: no date is
// compared, neither If-Unmodified-Since nor If-Modified-Since.
// Spec: RFC 9110 section 13.2.2.
#pragma once

#include <string_view>

#include "http/message.h"

namespace berth::api {

enum class Precondition { met, failed, not_modified };

// tag is without quotes; if it is empty, only `*` matches.
Precondition precondition_of(const http::Request& request, std::string_view tag);

} // namespace berth::api
