// Globs: patterns in which `*` stands for any characters but a slash, none too, and `**` for any at all. Every other
// character stands for itself.
#pragma once

#include <string_view>

namespace berth::model {

// Whether the glob stands for the whole text. Takes at most the product of both lengths.
bool matches_glob(std::string_view glob, std::string_view text);

} // namespace berth::model
