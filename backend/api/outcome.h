// Outcome: what an endpoint returns: a response, or the Failure that the face renders into one.
#pragma once

#include <expected>
#include <utility>
#include <vector>

#include "auth/access.h"
#include "base/result.h"
#include "http/message.h"

namespace berth::api {

// An error with the headers that its reply carries: Allow with 405, Content-Range with 416, WWW-Authenticate with 401.
struct Failure {
  Error error;
  http::Headers headers = {};
  std::vector<auth::Access> needed = {}; // where access control refused: what was asked for

  Failure(Error why, http::Headers with = {}) : error(std::move(why)), headers(std::move(with)) {}
};

// A T, or a Failure. A plain Error is a Failure without headers, so that BERTH_TRY, BERTH_CHECK and fail() work here.
template <class T = void>
class [[nodiscard]] Attempt : public std::expected<T, Failure> {
public:
  using std::expected<T, Failure>::expected;
};

using Outcome = Attempt<http::Response>;

// Fails with headers.
inline std::unexpected<Failure> fail_with(Error error, http::Headers headers) {
  return std::unexpected(Failure(std::move(error), std::move(headers)));
}

} // namespace berth::api
