#include "app/supervisor/listen_socket.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/content.h"

namespace berth::app {
namespace {

// As many connections as a burst of clients may open while every worker is busy; the kernel caps it at somaxconn.
constexpr int backlog = 4096;

// A path as an address, through its directory's descriptor: the whole path may be longer than an address can be.
struct ShortAddress {
  UniqueFd directory;
  sockaddr_un address{};
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&address); }
};

Result<ShortAddress> address_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const std::string directory = path.substr(0, slash), name = path.substr(slash + 1);
  ShortAddress result{UniqueFd(::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC))};
  if (!result.directory) return std::unexpected(errno_error("open", directory, errno));
  const std::string short_path = "/proc/self/fd/" + std::to_string(result.directory.get()) + "/" + name;
  if (short_path.size() > max_socket_path) return fail(Code::invalid, path + ": the socket's name is too long");
  result.address.sun_family = AF_UNIX;
  std::memcpy(result.address.sun_path, short_path.c_str(), short_path.size());
  return result;
}

} // namespace

Result<UniqueFd> listen_on(const std::string& path) {
  BERTH_TRY(const ShortAddress address, address_of(path));
  UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket) return std::unexpected(errno_error("socket", path, errno));
  ::unlink(path.c_str());
  const mode_t mask = ::umask(0177);
  const int bound = ::bind(socket.get(), address.get(), sizeof address.address);
  const int error_number = errno;
  ::umask(mask);
  if (bound != 0) return std::unexpected(errno_error("bind", path, error_number));
  if (::listen(socket.get(), backlog) != 0) return std::unexpected(errno_error("listen", path, errno));
  return socket;
}

Result<UniqueFd> connect_to(const std::string& path) {
  BERTH_TRY(const ShortAddress address, address_of(path));
  UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket) return std::unexpected(errno_error("socket", path, errno));
  if (::connect(socket.get(), address.get(), sizeof address.address) != 0)
    return std::unexpected(errno_error("connect", path, errno));
  return socket;
}

SocketName name_of_socket(const std::string& path) {
  struct stat info{};
  if (::lstat(path.c_str(), &info) != 0) return {};
  return {path, info.st_dev, info.st_ino};
}

void remove_socket(const SocketName& name) {
  struct stat info{};
  if (::lstat(name.path.c_str(), &info) == 0 && info.st_dev == name.device && info.st_ino == name.inode)
    ::unlink(name.path.c_str());
}

bool stdin_is_listening() {
  int listening = 0;
  socklen_t size = sizeof listening;
  return ::getsockopt(STDIN_FILENO, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) == 0 && listening != 0;
}

} // namespace berth::app
