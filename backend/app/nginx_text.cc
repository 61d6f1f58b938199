#include "app/nginx_text.h"

namespace berth::app {

std::string nginx_word(std::string_view text) {
  std::string word = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') word += '\\';
    if (c == '$')
      word += "${berth_dollar}";
    else
      word += c;
  }
  return word + '"';
}

std::string line(const std::string& directive, const std::string& value) { return directive + " " + value + ";\n"; }

} // namespace berth::app
