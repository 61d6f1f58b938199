// Errors on the wire: the one table from Code to code string, HTTP status and default message, and the one function
// that writes an error response.
// Spec: docker/distribution errors; OCI distribution-spec "Error Codes".
#pragma once

#include <string_view>

#include "api/outcome.h"
#include "base/result.h"
#include "http/message.h"

namespace berth::api {

inline constexpr std::string_view json_type = "application/json; charset=utf-8";

struct WireError {
  std::string_view code; // "BLOB_UNKNOWN"
  int status;
  std::string_view message; // when the Error has none
};
const WireError& wire_error(Code code);

// Whether what happened is the registry's own trouble: the client is told nothing but the message of the table, and the
// error's own, which may hold paths, is for the log. So it is with every code that the layers keep among themselves.
bool is_internal(Code code);

// {"errors":[{"code":…,"message":…,"detail":…}]} and a newline; the status is that of the first error. Each 429 and 503
// says when to ask again.
http::Response error_response(const Failure& failure);
// The same for the v1 API: {"error":"…"}, in the words that its clients know.
http::Response v1_error_response(const Failure& failure);

} // namespace berth::api
