// Byte ranges. Input: a line with the size of a blob, and a Content-Range or Range header.
#include <algorithm>
#include <charconv>

#include "fuzz/oracle.h"
#include "model/byte_range.h"

using namespace berth;
using namespace berth::fuzz;

namespace {

constexpr std::uint64_t max_size = INT64_MAX; // of a file

std::uint64_t size_of(std::string_view line) {
  std::uint64_t size = 0;
  std::from_chars(line.data(), line.data() + line.size(), size);
  return std::min(size, max_size);
}

void check_content_range(std::string_view header, std::uint64_t size) {
  const auto range = model::parse_content_range(header);
  if (!range) return require(is(range.error(), Code::range_invalid));
  require(range->first < range->end && range->end - 1 <= max_size);
  require(range->size() == range->end - range->first);
  const std::string plain = std::to_string(range->first) + "-" + std::to_string(range->end - 1);
  require(model::parse_content_range(plain).value() == *range);
  require(model::parse_content_range("bytes " + plain + "/*").value() == *range);
  require(model::is_satisfiable("bytes=" + plain, size) == (range->first < size));
}

void check_range(std::string_view header, std::uint64_t size) {
  const bool satisfiable = model::is_satisfiable(header, size);
  const std::string padded = " " + std::string(header) + "\t";
  require(model::is_satisfiable(padded, size) == satisfiable);
  if (header.starts_with("bytes=")) {
    require(!model::is_satisfiable(header, 0)); // nothing has no first byte
    require(!satisfiable || size == max_size || model::is_satisfiable(header, size + 1));
    require(!satisfiable || model::is_satisfiable(std::string(header) + ",0-0", size));
  }
}

void check_upload_range(std::uint64_t size) {
  const auto range = model::parse_content_range(model::format_upload_range(size));
  require(range.value() == model::ByteRange{0, std::max<std::uint64_t>(size, 1)});
}

} // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t length) {
  std::string_view header = text_of(bytes, length);
  const std::uint64_t size = size_of(take_line(header));
  check_content_range(header, size);
  check_range(header, size);
  check_upload_range(size);
  return 0;
}
