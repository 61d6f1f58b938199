// The socket between nginx and the pool.
#pragma once

#include <sys/types.h>

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
// Connects to the one at path. Errors: io; not_found if there is no socket at path.
Result<UniqueFd> connect_to(const std::string& path);

// A socket's path, and which file it was when it was made.
struct SocketName {
  std::string path;
  dev_t device = 0;
  ino_t inode = 0;
};
SocketName name_of_socket(const std::string& path); // to be asked right after listen_on
// Removes the path if it is still that file, and not the socket of another who replaced it.
void remove_socket(const SocketName& name);

// Whether fd 0 is a listening socket, as FastCGI process managers hand it over.
bool stdin_is_listening();

} // namespace berth::app
