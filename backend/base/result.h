// Result<T>: a value, or the Error that explains why there is none. Nothing in berth throws across a function.
#pragma once

#include <expected>
#include <string>
#include <utility>
#include <vector>

namespace berth {

// The kinds of errors, shared by all layers. The first group has a wire form (code string and HTTP status) in the one
// table of api/errors.cc; the second group is for the layers among themselves and reaches a client as UNKNOWN 500,
// unless a layer above translates it.
enum class Code {
  // The codes of the distribution API (docker/distribution errors; OCI distribution-spec "Error Codes").
  unknown,
  unsupported,
  unsupported_media_type,
  unauthorized,
  denied,
  immutable, // a tag that keeps its manifest
  unavailable,
  too_many_requests,
  digest_invalid,
  size_invalid,
  range_invalid,
  name_invalid,
  name_unknown,
  tag_invalid,
  manifest_unknown,
  manifest_invalid,
  manifest_too_large,
  manifest_unverified,
  manifest_blob_unknown,
  blob_unknown,
  blob_upload_unknown,
  blob_upload_invalid,
  pagination_number_invalid,
  route_unknown,       // no such endpoint
  bad_request,         // the request itself is malformed
  precondition_failed, // a condition of the request, as If-Match, is not met
  range_unsatisfiable, // a Range that lies outside the blob
  storage_full,        // no space, or over quota

  // The v1 API, whose errors are texts.
  image_unknown,
  image_exists,     // pushed already: a client goes on with the next image
  image_unfinished, // being pushed, or left half-way
  image_invalid,    // its JSON, its layer or its checksum is wrong; the message says what

  // Among the layers.
  not_found,     // no such path
  not_permitted, // the path is not for us to read
  exists,        // the path is there already
  busy,          // another writer holds it
  corrupt,       // stored bytes are not what their name says
  invalid,       // a value that breaks its grammar
  io,            // the operating system refused; the message holds the call, the path and errno's text
};

struct Error {
  Code code = Code::unknown;
  std::string message;          // empty: the table's default message
  std::string detail;           // shown to the client as `detail`, a JSON string; empty: none
  std::vector<Error> also = {}; // further errors of the same request (a manifest with several unknown blobs)
};

template <class T = void>
class [[nodiscard]] Result : public std::expected<T, Error> {
public:
  using std::expected<T, Error>::expected;
};

inline std::unexpected<Error> fail(Code code, std::string message = {}, std::string detail = {}) {
  return std::unexpected(Error{code, std::move(message), std::move(detail)});
}

inline bool is(const Error& error, Code code) { return error.code == code; }

} // namespace berth

#define BERTH_JOIN_(a, b) a##b
#define BERTH_JOIN(a, b) BERTH_JOIN_(a, b)

// BERTH_TRY(auto value, expression): value, or return the expression's error.
#define BERTH_TRY(declaration, ...)                                                                                    \
  auto BERTH_JOIN(berth_result_, __LINE__) = (__VA_ARGS__);                                                            \
  if (!BERTH_JOIN(berth_result_, __LINE__))                                                                            \
    return std::unexpected(std::move(BERTH_JOIN(berth_result_, __LINE__)).error());                                    \
  declaration = *std::move(BERTH_JOIN(berth_result_, __LINE__))

// BERTH_CHECK(expression): go on, or return the expression's error.
#define BERTH_CHECK(...)                                                                                               \
  do {                                                                                                                 \
    if (auto berth_checked = (__VA_ARGS__); !berth_checked) return std::unexpected(std::move(berth_checked).error());  \
  } while (false)
