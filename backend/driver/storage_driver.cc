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

Result<Version> StorageDriver::put_if(const std::string& path, std::string_view, const std::optional<Version>&) {
  return fail(Code::unsupported, path + ": the store does not compare before it writes");
}

namespace {

Result<std::vector<std::string>> names_of(StorageDriver& driver, const std::string& path, bool directories_alone) {
  BERTH_TRY(std::vector<Entry> entries, driver.list(path, {}, no_limit));
  std::vector<std::string> names;
  names.reserve(entries.size());
  for (Entry& entry : entries)
    if (entry.is_directory || !directories_alone) names.push_back(std::move(entry.name));
  return names;
}

} // namespace

Result<std::vector<std::string>> names_in(StorageDriver& driver, const std::string& path) {
  return names_of(driver, path, false);
}

Result<std::vector<std::string>> directories_in(StorageDriver& driver, const std::string& path) {
  return names_of(driver, path, true);
}

} // namespace berth::driver
