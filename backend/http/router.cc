#include "http/router.h"

#include <algorithm>

namespace berth::http {
namespace {

// The segments of an absolute path: "/a/b/" is {"a", "b", ""}.
std::vector<std::string_view> segments_of(std::string_view path) {
  std::vector<std::string_view> segments;
  for (;;) {
    path.remove_prefix(1);
    const std::size_t slash = path.find('/');
    segments.push_back(path.substr(0, slash));
    if (slash == std::string_view::npos) return segments;
    path.remove_prefix(slash);
  }
}

bool is_parameter(std::string_view pattern) { return pattern.starts_with('{'); }
bool is_long_parameter(std::string_view pattern) { return pattern.ends_with("...}"); }

// One pattern segment that is not a long parameter against one segment of a path.
bool take_segment(std::string_view pattern, std::string_view segment, PathParameters& parameters) {
  if (!is_parameter(pattern)) return pattern == segment;
  if (segment.empty()) return false;
  parameters.add(pattern.substr(1, pattern.size() - 2), std::string(segment));
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
  const auto wanted = segments_of(pattern);
  const auto given = segments_of(path);
  if (given.size() < wanted.size()) return std::nullopt;
  const auto split = static_cast<std::size_t>(std::ranges::find_if(wanted, is_long_parameter) - wanted.begin());
  if (split == wanted.size() && given.size() != wanted.size()) return std::nullopt;

  PathParameters parameters;
  for (std::size_t i = 0; i < split; ++i)
    if (!take_segment(wanted[i], given[i], parameters)) return std::nullopt;
  if (split == wanted.size()) return parameters;

  const std::size_t surplus = given.size() - wanted.size(); // segments of the long parameter beyond its first
  for (std::size_t i = split + 1; i < wanted.size(); ++i)
    if (!take_segment(wanted[i], given[i + surplus], parameters)) return std::nullopt;
  std::string joined(given[split]);
  for (std::size_t i = 1; i <= surplus; ++i) joined.append("/").append(given[split + i]);
  const std::string_view name = wanted[split];
  parameters.add(name.substr(1, name.size() - std::string_view("{...}").size()), std::move(joined));
  return parameters;
}

bool is_clean_path(std::string_view path) {
  if (!path.starts_with('/')) return false;
  const auto segments = segments_of(path);
  for (std::size_t i = 0; i < segments.size(); ++i) {
    if (segments[i] == "." || segments[i] == "..") return false;
    if (segments[i].empty() && i + 1 < segments.size()) return false;
  }
  return true;
}

std::string with_other_ending(std::string_view path) {
  if (path == "/") return std::string(path); // there is nothing shorter
  if (path.ends_with('/')) return std::string(path.substr(0, path.size() - 1));
  return std::string(path) + "/";
}

} // namespace berth::http
