// YAML text in, Node out. The only file that sees the YAML library is yaml.cc.
// Limits: max_text_bytes of text, max_depth levels, max_nodes values (aliases count as often as they are used).
#pragma once

#include <cstddef>
#include <string>

#include "base/result.h"
#include "config/node.h"

namespace berth::config {

inline constexpr std::size_t max_text_bytes = 1 << 20;
inline constexpr std::size_t max_depth = 32;
inline constexpr std::size_t max_nodes = 100'000;

// Where a value is said to come from.
enum class Origin {
  file,     // name and line: "config.yml:12"
  variable, // the name alone
};

// Reads one document; an empty one is null. Anchors, aliases and merge keys (<<) are resolved.
// Errors: invalid, the message begins with the origin.
Result<Node> parse_yaml(const std::string& text, const std::string& name, Origin origin);

} // namespace berth::config
