// Credentials of Authorization: Basic. Input: a line that is the value of the header, and a user and password to be
// encoded.
#include <algorithm>

#include "auth/basic.h"
#include "base/encoding.h"
#include "fuzz/oracle.h"

using namespace berth;
using namespace berth::fuzz;

namespace {

const Grammar grammar("(?i:basic) (?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{2}==)?");

std::string encoded(std::string_view pair) {
  std::string text = to_base64url(pair);
  std::ranges::replace(text, '-', '+');
  std::ranges::replace(text, '_', '/');
  return "bASIC " + text;
}

} // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  std::string_view pair = text_of(bytes, size);
  const std::string_view header = take_line(pair);

  const auto sent = auth::parse_basic(header);
  if (!grammar.matches(header)) require(!sent);
  if (sent) {
    require(auth::is_basic(header) && sent->user.find(':') == std::string::npos);
    const auto again = auth::parse_basic(encoded(sent->user + ":" + sent->password));
    require(again && again->user == sent->user && again->password == sent->password);
  }

  const auto made = auth::parse_basic(encoded(pair));
  require(made.has_value() == (pair.find(':') != std::string_view::npos));
  if (made) require(made->user + ":" + made->password == pair && made->is_nobody() == (pair == ":"));
  return 0;
}
