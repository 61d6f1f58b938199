#include "app/supervisor/shared_socket.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <optional>
#include <system_error>

#include "app/supervisor/listen_socket.h"
#include "base/content.h"
#include "base/signals_blocked.h"

namespace berth::app {
namespace {

constexpr std::chrono::seconds lock_wait{30};
constexpr std::chrono::milliseconds lock_poll{20};
constexpr timeval answer_wait{3, 0}; // a member that is well answers at once
constexpr int asks = 3;              // more than one: a frozen member may have taken the first

constexpr int retry_milliseconds = 100;
constexpr std::size_t sockets_passed = 2;

// A message of one byte, with room for two file descriptors. Stays where it is: the header points into it.
struct Message {
  Message() {
    header.msg_iov = &data;
    header.msg_iovlen = 1;
    header.msg_control = ancillary.data();
    header.msg_controllen = ancillary.size();
  }
  Message(const Message&) = delete;

  char byte = 0;
  iovec data{&byte, 1};
  msghdr header{};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * sockets_passed)> ancillary{};
};

Result<UniqueFd> lock_for_joining(const std::string& path) {
  UniqueFd lock(::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!lock) return std::unexpected(errno_error("open", path, errno));
  const auto deadline = std::chrono::steady_clock::now() + lock_wait;
  while (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) return std::unexpected(errno_error("flock", path, errno));
    if (std::chrono::steady_clock::now() > deadline)
      return fail(Code::io, path + ": another pool has been starting for too long");
    std::this_thread::sleep_for(lock_poll);
  }
  return lock;
}

struct Sockets {
  UniqueFd listening, sharing;
};

// Takes the two sockets out of a member's message; nothing if there are not two.
std::optional<Sockets> receive_sockets(int from) {
  Message message;
  if (::recvmsg(from, &message.header, MSG_CMSG_CLOEXEC) != 1) return {};
  const cmsghdr* header = CMSG_FIRSTHDR(&message.header);
  if (header == nullptr || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) return {};
  std::array<int, sockets_passed> fds{-1, -1};
  std::memcpy(fds.data(), CMSG_DATA(header), std::min(sizeof fds, header->cmsg_len - CMSG_LEN(0)));
  Sockets sockets{UniqueFd(fds[0]), UniqueFd(fds[1])};
  if (!sockets.listening || !sockets.sharing) return {};
  return sockets;
}

bool send_sockets(int to, int listening, int sharing) {
  Message message;
  cmsghdr* header = CMSG_FIRSTHDR(&message.header);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int) * sockets_passed);
  const std::array<int, sockets_passed> fds{listening, sharing};
  std::memcpy(CMSG_DATA(header), fds.data(), sizeof fds);
  return ::sendmsg(to, &message.header, MSG_NOSIGNAL | MSG_DONTWAIT) == 1;
}

// The sockets, from whichever member answers; nothing if none does.
std::optional<Sockets> ask_members(const std::string& path) {
  struct stat info{};
  if (::lstat(path.c_str(), &info) != 0 || !S_ISSOCK(info.st_mode)) return {}; // nginx could not reach it
  for (int ask = 0; ask < asks; ++ask) {
    const auto connection = connect_to(path + ".share");
    if (!connection) return {};
    ::setsockopt(connection->get(), SOL_SOCKET, SO_RCVTIMEO, &answer_wait, sizeof answer_wait);
    if (auto sockets = receive_sockets(connection->get())) return sockets;
  }
  return {};
}

void give(int listening, int sharing, int stop_event) {
  std::array<pollfd, 2> events{{{stop_event, POLLIN, 0}, {sharing, POLLIN, 0}}};
  for (;;) {
    if (::poll(events.data(), events.size(), -1) < 0 && errno != EINTR) return;
    if (events[0].revents != 0) return;
    // Not blocking: another member may have been faster.
    const UniqueFd connection(::accept4(sharing, nullptr, nullptr, SOCK_CLOEXEC));
    if (connection)
      send_sockets(connection.get(), listening, sharing);
    else if (errno != EAGAIN && errno != EINTR) // no descriptor left, say: who asks is still there, and so is poll
      ::poll(events.data(), 1, retry_milliseconds);
  }
}

} // namespace

Result<SharedSocket> SharedSocket::join(const std::string& path) {
  BERTH_TRY(const UniqueFd lock, lock_for_joining(path + ".lock"));
  SharedSocket socket;
  if (auto others = ask_members(path)) {
    socket.listening_ = std::move(others->listening);
    socket.sharing_ = std::move(others->sharing);
    socket.joined_others_ = true;
  } else {
    // In this order: who finds `.share` answering finds a socket that is there.
    BERTH_TRY(socket.listening_, listen_on(path));
    BERTH_TRY(socket.sharing_, listen_on(path + ".share"));
    if (::fcntl(socket.sharing_.get(), F_SETFL, O_NONBLOCK) != 0)
      return std::unexpected(errno_error("fcntl", path, errno));
  }
  BERTH_CHECK(socket.give_away());
  return socket;
}

Result<> SharedSocket::give_away() {
  stop_event_ = UniqueFd(::eventfd(0, EFD_CLOEXEC));
  if (!stop_event_) return std::unexpected(errno_error("eventfd", "pool", errno));
  try {
    const SignalsBlocked blocked;
    // The descriptors stay what they are when this object is moved.
    giver_ = std::thread([listening = listening_.get(), sharing = sharing_.get(), stop = stop_event_.get()] {
      give(listening, sharing, stop);
    });
  } catch (const std::system_error& error) {
    return fail(Code::io, std::string("cannot start a thread: ") + error.what() + " (see RLIMIT_NPROC)");
  }
  return {};
}

SharedSocket::~SharedSocket() {
  if (!giver_.joinable()) return;
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(stop_event_.get(), &one, sizeof one);
  giver_.join();
}

} // namespace berth::app
