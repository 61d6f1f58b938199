// Reason phrases of HTTP statuses.
// Spec: RFC 9110 section 15.
#pragma once

#include <string_view>

namespace berth::http {

// "OK" for 200; "Status" for one that is not among the usual.
std::string_view reason_of(int status);

} // namespace berth::http
