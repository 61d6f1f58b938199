// The TCP connections to a port of this host, as the kernel lists them, and how one that a child of ours holds is
// ended. Threads: one. Spec: sock_diag(7), tcp(7) TCP_INFO, pidfd_getfd(2).
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "config/network.h"

namespace berth::app {

struct TcpConnection {
  config::IpAddress client{};
  std::uint64_t cookie = 0;             // the kernel's name of it, never used again
  ino_t inode = 0;                      // 0: not accepted yet
  std::uint64_t received = 0, sent = 0; // bytes, without those of TCP itself
};

// How many TCP sockets the host has, of any state and port. A hint: 0 where the kernel does not say.
std::size_t tcp_sockets();

// Those that are established. Errors: io, also where the kernel has no sock_diag.
Result<std::vector<TcpConnection>> connections_to(std::uint16_t port);

// Shuts connections down that one of the processes holds: for it they are as if the client had gone. Returns how many
// were found and shut down. Errors: io if the kernel does not let us.
Result<std::size_t> shut_down(std::span<const ino_t> inodes, std::span<const pid_t> holders);

} // namespace berth::app
