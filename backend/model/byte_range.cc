#include "model/byte_range.h"

#include <charconv>

namespace berth::model {
namespace {

std::string_view trim(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// Digits only, below 2^63: what a file offset can be.
std::optional<std::uint64_t> parse_offset(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value > INT64_MAX) return std::nullopt;
  return value;
}

// One `first-last`, `first-` or `-length`. Nothing: malformed.
std::optional<bool> is_spec_satisfiable(std::string_view spec, std::uint64_t size) {
  const std::size_t dash = spec.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const std::string_view left = trim(spec.substr(0, dash)), right = trim(spec.substr(dash + 1));
  if (left.empty()) {
    const auto length = parse_offset(right);
    if (!length) return std::nullopt;
    return *length > 0 && size > 0;
  }
  const auto first = parse_offset(left);
  if (!first) return std::nullopt;
  if (!right.empty()) {
    const auto last = parse_offset(right);
    if (!last || *last < *first) return std::nullopt;
  }
  return *first < size;
}

} // namespace

Result<ByteRange> parse_content_range(std::string_view text) {
  text = trim(text);
  if (text.starts_with("bytes")) text = trim(text.substr(5));
  text = text.substr(0, text.find('/'));
  const std::size_t dash = text.find('-');
  if (dash == std::string_view::npos) return fail(Code::range_invalid, {}, "Content-Range must be <start>-<end>");
  const auto first = parse_offset(text.substr(0, dash));
  const auto last = parse_offset(text.substr(dash + 1));
  if (!first || !last) return fail(Code::range_invalid, {}, "Content-Range must be <start>-<end>");
  if (*last < *first) return fail(Code::range_invalid, {}, "Content-Range ends before it starts");
  return ByteRange{*first, *last + 1};
}

std::string format_upload_range(std::uint64_t size) { return "0-" + std::to_string(size == 0 ? 0 : size - 1); }

bool is_satisfiable(std::string_view header, std::uint64_t size) {
  constexpr std::string_view unit = "bytes=";
  header = trim(header);
  if (!header.starts_with(unit)) return true;
  header.remove_prefix(unit.size());
  bool any = false;
  for (;;) {
    const std::size_t comma = header.find(',');
    const auto satisfiable = is_spec_satisfiable(trim(header.substr(0, comma)), size);
    if (!satisfiable) return false;
    any = any || *satisfiable;
    if (comma == std::string_view::npos) return any;
    header.remove_prefix(comma + 1);
  }
}

} // namespace berth::model
