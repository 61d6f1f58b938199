#include "base/url_secrets.h"

namespace berth {

std::string without_secrets(std::string_view url) {
  const std::string_view shown = url.substr(0, url.find_first_of("?#"));
  const std::size_t scheme = shown.find("://");
  const std::size_t host = scheme == std::string_view::npos ? 0 : scheme + 3;
  // The last one before the path: a password that was not encoded may hold another.
  const std::size_t at = shown.substr(0, shown.find('/', host)).rfind('@');
  if (at == std::string_view::npos || at < host) return std::string(shown);
  return std::string(shown.substr(0, host)).append(shown.substr(at + 1));
}

} // namespace berth
