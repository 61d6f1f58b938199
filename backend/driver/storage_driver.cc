#include "driver/storage_driver.h"

#include <algorithm>

namespace berth::driver {

bool is_component(std::string_view text) {
  const auto is_allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || c == '.' || c == '_' ||
           c == '-';
  };
  return !text.empty() && text != "." && text != ".." && std::ranges::all_of(text, is_allowed);
}

bool is_path(std::string_view text) {
  while (text.starts_with('/')) {
    text.remove_prefix(1);
    const std::string_view component = text.substr(0, text.find('/'));
    if (!is_component(component)) return false;
    text.remove_prefix(component.size());
    if (text.empty()) return true;
  }
  return false;
}

} // namespace berth::driver
