#include "model/jose_base64.h"

#include "base/encoding.h"

namespace berth::model {

std::string to_jose_base64(std::string_view bytes) {
  std::string text = to_base64url(bytes);
  text.resize(text.find_last_not_of('=') + 1);
  return text;
}

Result<std::string> from_jose_base64(std::string_view text) {
  std::string tidy;
  for (const char c : text)
    if (c != ' ' && c != '\n' && c != '\r') tidy += c;
  if (tidy.size() % 4 == 1) return fail(Code::invalid, "not base64url");
  while (tidy.size() % 4 != 0) tidy += '=';
  return from_base64url(tidy);
}

} // namespace berth::model
