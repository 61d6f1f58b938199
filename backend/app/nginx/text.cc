#include "app/nginx/text.h"

#include <filesystem>

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

std::string listen_lines(const config::ListenAddress& address, const std::string& options) {
  const std::string port = ":" + std::to_string(address.port) + options;
  if (!address.host.empty())
    return line("listen", (address.host.contains(':') ? "[" + address.host + "]" : address.host) + port);
  std::string lines = line("listen", "*" + port);
  if (std::filesystem::exists("/proc/net/if_inet6")) lines += line("listen", "[::]" + port);
  return lines;
}

} // namespace berth::app
