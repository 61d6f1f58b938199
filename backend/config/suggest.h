// The nearest of the known names to one that is not known, for messages.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace berth::config {

// Insertions, deletions, replacements and swaps of neighbours that turn a into b.
std::size_t edit_distance(std::string_view a, std::string_view b);

// The candidate nearest to the name; empty if none is near (a third of the name's letters may differ, at least one).
std::string nearest(std::string_view name, const std::vector<std::string>& candidates);

} // namespace berth::config
