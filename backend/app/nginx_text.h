// nginx_word, line: how generated fragments of nginx's configuration are written.
#pragma once

#include <string>
#include <string_view>

namespace berth::app {

// A word of nginx's configuration, whatever is in it. `$` begins a variable even in quotes; $berth_dollar is one
// (snippets/http/clients.conf).
std::string nginx_word(std::string_view text);

// "directive value;" and a newline.
std::string line(const std::string& directive, const std::string& value);

} // namespace berth::app
