// nginx_word, line, listen_lines: how generated fragments of nginx's configuration are written.
#pragma once

#include <string>
#include <string_view>

#include "config/address.h"

namespace berth::app {

// A word of nginx's configuration, whatever is in it. `$` begins a variable even in quotes; $berth_dollar is one
// (snippets/http/clients.conf).
std::string nginx_word(std::string_view text);

// "directive value;" and a newline.
std::string line(const std::string& directive, const std::string& value);

// The `listen` lines of a server, each with the options; both families where there are both.
std::string listen_lines(const config::ListenAddress& address, const std::string& options = {});

} // namespace berth::app
