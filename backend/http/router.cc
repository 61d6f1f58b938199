#include "http/router.h"

namespace berth::http {
namespace {

// Cuts the first, or the last, segment off an absolute path that is not empty: "/a/b/" is "a", "b" and "".
std::string_view take_first(std::string_view& path) {
  const std::string_view segment = path.substr(1, path.find('/', 1) - 1);
  path.remove_prefix(1 + segment.size());
  return segment;
}
std::string_view take_last(std::string_view& path) {
  const std::string_view segment = path.substr(path.rfind('/') + 1);
  path.remove_suffix(1 + segment.size());
  return segment;
}

bool is_parameter(std::string_view pattern) { return pattern.starts_with('{'); }
bool is_long_parameter(std::string_view pattern) { return pattern.ends_with("...}"); }

// One pattern segment that is not a long parameter against one segment of a path.
bool take_segment(std::string_view pattern, std::string_view segment, PathParameters* parameters) {
  if (!is_parameter(pattern)) return pattern == segment;
  if (segment.empty()) return false;
  if (parameters != nullptr) parameters->add(pattern.substr(1, pattern.size() - 2), std::string(segment));
  return true;
}

// Parameters: null if nobody wants them.
bool match_into(PathParameters* parameters, std::string_view pattern, std::string_view path) {
  std::string_view wanted;
  while (!pattern.empty()) {
    wanted = take_first(pattern);
    if (is_long_parameter(wanted)) break;
    if (path.empty() || !take_segment(wanted, take_first(path), parameters)) return false;
  }
  if (!is_long_parameter(wanted)) return path.empty();

  while (!pattern.empty())
    if (path.empty() || !take_segment(take_last(pattern), take_last(path), parameters)) return false;
  if (path.empty()) return false;
  const std::string_view name = wanted.substr(1, wanted.size() - std::string_view("{...}").size());
  if (parameters != nullptr) parameters->add(name, std::string(path.substr(1)));
  return true;
}

} // namespace

const std::string& PathParameters::get(std::string_view name) const {
  static const std::string none;
  for (const auto& [key, value] : values_)
    if (key == name) return value;
  return none;
}

std::optional<PathParameters> match(std::string_view pattern, std::string_view path) {
  PathParameters parameters;
  return match_into(&parameters, pattern, path) ? std::optional(std::move(parameters)) : std::nullopt;
}

bool matches(std::string_view pattern, std::string_view path) { return match_into(nullptr, pattern, path); }

bool is_clean_path(std::string_view path) {
  if (!path.starts_with('/')) return false;
  while (!path.empty()) {
    const std::string_view segment = take_first(path);
    if (segment == "." || segment == ".." || (segment.empty() && !path.empty())) return false;
  }
  return true;
}

std::string with_other_ending(std::string_view path) {
  if (path == "/") return std::string(path); // there is nothing shorter
  if (path.ends_with('/')) return std::string(path.substr(0, path.size() - 1));
  return std::string(path) + "/";
}

} // namespace berth::http
