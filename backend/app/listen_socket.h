// The socket between nginx and the pool.
#pragma once

#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace berth::app {

// Longest path that fits into a unix socket's address.
inline constexpr std::size_t max_socket_path = 107;

// Listens on a unix socket at path, replacing what is there; mode 0600: nginx and the pool are one user
// (docs/decisions/0001). A path longer than max_socket_path works too: whoever connects must then name it relative to a
// directory. Errors: io.
Result<UniqueFd> listen_on(const std::string& path);

// Whether fd 0 is a listening socket, as FastCGI process managers hand it over.
bool stdin_is_listening();

} // namespace berth::app
