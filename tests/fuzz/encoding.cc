// base64url, hexadecimal and times. Input: one text, tried as each.
#include <algorithm>

#include "base/clock.h"
#include "base/encoding.h"
#include "fuzz/oracle.h"

using namespace berth;
using namespace berth::fuzz;

namespace {

const Grammar base64_grammar("(?:[A-Za-z0-9_-]{4})*(?:[A-Za-z0-9_-]{3}=|[A-Za-z0-9_-]{2}==)?");
const Grammar hex_grammar("(?:[0-9a-f]{2})*");

void check_base64url(std::string_view text) {
  const auto bytes = from_base64url(text);
  require(bytes.has_value() == base64_grammar.matches(text));
  if (bytes) require(from_base64url(to_base64url(*bytes)).value() == *bytes);
  const std::string encoded = to_base64url(text);
  require(base64_grammar.matches(encoded) && from_base64url(encoded).value() == text);
}

void check_time(std::string_view text) {
  const auto time = parse_rfc3339(text);
  if (!time) return require(is(time.error(), Code::invalid));
  require(parse_rfc3339(to_rfc3339_nano(*time)).value() == *time);
  require(parse_rfc3339(to_rfc3339(*time)).value() == std::chrono::floor<std::chrono::seconds>(*time));
}

} // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view text = text_of(bytes, size);
  check_base64url(text);
  check_time(text);
  const std::string hex = to_hex(text);
  require(hex.size() == 2 * size && hex_grammar.matches(hex));
  return 0;
}
