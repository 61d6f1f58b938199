#include "app/supervisor/tcp_connections.h"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>

#include "base/content.h"
#include "base/unique_fd.h"

namespace berth::app {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t buffer_bytes = 64 * 1024;
constexpr std::uint32_t established = 1U << 1; // TCP_ESTABLISHED, which <netinet/tcp.h> has and <linux/tcp.h> not
constexpr std::size_t v4_at = 12;

TcpConnection connection_of(const inet_diag_msg& message, std::size_t length) {
  TcpConnection connection;
  if (message.idiag_family == AF_INET) {
    connection.client[v4_at - 2] = connection.client[v4_at - 1] = 0xff;
    std::memcpy(connection.client.data() + v4_at, message.id.idiag_dst, 4);
  } else {
    std::memcpy(connection.client.data(), message.id.idiag_dst, connection.client.size());
  }
  connection.cookie = std::uint64_t{message.id.idiag_cookie[1]} << 32 | message.id.idiag_cookie[0];
  connection.inode = message.idiag_inode;
  // The attributes follow the message.
  const auto* attribute = reinterpret_cast<const rtattr*>(&message + 1);
  int left = static_cast<int>(length - sizeof message);
  for (; RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left)) {
    if (attribute->rta_type != INET_DIAG_INFO) continue;
    tcp_info info{};
    std::memcpy(&info, RTA_DATA(attribute), std::min<std::size_t>(sizeof info, RTA_PAYLOAD(attribute)));
    connection.received = info.tcpi_bytes_received;
    connection.sent = info.tcpi_bytes_sent;
  }
  return connection;
}

Result<> list(std::uint8_t family, std::uint16_t port, std::vector<TcpConnection>& connections) {
  const UniqueFd socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
  if (!socket) return std::unexpected(errno_error("socket", "sock_diag", errno));
  struct {
    nlmsghdr head;
    inet_diag_req_v2 asks;
  } request{};
  request.head.nlmsg_len = sizeof request;
  request.head.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  request.head.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  request.asks.sdiag_family = family;
  request.asks.sdiag_protocol = IPPROTO_TCP;
  request.asks.idiag_ext = 1U << (INET_DIAG_INFO - 1);
  request.asks.idiag_states = established;
  request.asks.id.idiag_sport = htons(port);
  if (::send(socket.get(), &request, sizeof request, 0) < 0)
    return std::unexpected(errno_error("send", "sock_diag", errno));
  alignas(nlmsghdr) static char buffer[buffer_bytes];
  for (;;) {
    const ssize_t got = ::recv(socket.get(), buffer, sizeof buffer, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return std::unexpected(errno_error("recv", "sock_diag", errno));
    auto left = static_cast<std::uint32_t>(got);
    for (auto* head = reinterpret_cast<nlmsghdr*>(buffer); NLMSG_OK(head, left); head = NLMSG_NEXT(head, left)) {
      if (head->nlmsg_type == NLMSG_DONE) return {};
      if (head->nlmsg_type == NLMSG_ERROR) return fail(Code::io, "the kernel does not list its connections");
      if (head->nlmsg_len < NLMSG_LENGTH(sizeof(inet_diag_msg))) continue;
      connections.push_back(
          connection_of(*static_cast<const inet_diag_msg*>(NLMSG_DATA(head)), head->nlmsg_len - NLMSG_HDRLEN));
    }
  }
}

// The inode of a link "socket:[123]"; 0: it is no socket.
ino_t inode_of(const std::string& link) {
  constexpr std::string_view begin = "socket:[";
  return link.starts_with(begin) ? std::strtoull(link.c_str() + begin.size(), nullptr, 10) : 0;
}

Result<> shut_down_in(pid_t holder, std::set<ino_t>& wanted) {
  const UniqueFd process(static_cast<int>(::syscall(SYS_pidfd_open, holder, 0)));
  if (!process) return {}; // it has ended
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator("/proc/" + std::to_string(holder) + "/fd", error)) {
    if (wanted.empty()) return {};
    std::error_code closed;
    const ino_t inode = inode_of(fs::read_symlink(entry.path(), closed).string());
    if (!wanted.contains(inode)) continue;
    const int number = std::atoi(entry.path().filename().c_str());
    const UniqueFd connection(static_cast<int>(::syscall(SYS_pidfd_getfd, process.get(), number, 0)));
    if (!connection && errno != EBADF) return std::unexpected(errno_error("pidfd_getfd", "nginx", errno));
    struct stat is{};
    if (!connection || ::fstat(connection.get(), &is) != 0 || is.st_ino != inode) continue; // closed meanwhile
    ::shutdown(connection.get(), SHUT_RDWR);
    wanted.erase(inode);
  }
  if (error) return std::unexpected(errno_error("read", "the descriptors of nginx", error.value()));
  return {};
}

} // namespace

std::size_t tcp_sockets() {
  std::ifstream file("/proc/net/sockstat");
  std::size_t count = 0;
  for (std::string line; std::getline(file, line);) {
    const std::size_t at = line.find(" alloc ");
    if (line.starts_with("TCP:") && at != std::string::npos) count = std::strtoull(line.c_str() + at + 7, nullptr, 10);
  }
  return count;
}

Result<std::vector<TcpConnection>> connections_to(std::uint16_t port) {
  std::vector<TcpConnection> connections;
  BERTH_CHECK(list(AF_INET, port, connections));
  BERTH_CHECK(list(AF_INET6, port, connections));
  return connections;
}

Result<std::size_t> shut_down(std::span<const ino_t> inodes, std::span<const pid_t> holders) {
  std::set<ino_t> wanted(inodes.begin(), inodes.end());
  wanted.erase(0);
  const std::size_t asked = wanted.size();
  for (const pid_t holder : holders) BERTH_CHECK(shut_down_in(holder, wanted));
  return asked - wanted.size();
}

} // namespace berth::app
