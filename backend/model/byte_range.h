// Byte ranges, in the two directions they travel.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace berth::model {

// The bytes [first, end) of something.
struct ByteRange {
  std::uint64_t first = 0;
  std::uint64_t end = 0;
  std::uint64_t size() const { return end - first; }
  friend bool operator==(const ByteRange&, const ByteRange&) = default;
};

// The Content-Range of an upload's chunk: `first-last`, both inclusive; `bytes first-last[/total]` is taken too.
// Errors: range_invalid.
Result<ByteRange> parse_content_range(std::string_view text);

// The Range header of an upload's replies: `0-<last>`, and `0-0` when there is nothing yet.
std::string format_upload_range(std::uint64_t size);

// Whether a request's Range (RFC 9110 section 14.2) names at least one byte of a blob of that size. Another unit than
// bytes is to be ignored, so it counts as satisfiable; a malformed bytes range does not, as nginx and Go answer it 416.
bool is_satisfiable(std::string_view range_header, std::uint64_t size);

} // namespace berth::model
