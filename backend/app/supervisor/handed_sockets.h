// HandedSockets: listening TCP sockets that are handed to `berth up` at its start, for nginx to listen on: those of a
// socket unit of systemd, which keeps them while the registry is started again (docs/decisions/0043).
// Spec: sd_listen_fds(3).
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace berth::app {

class HandedSockets {
public:
  static constexpr std::size_t most = 8;

  // Takes those that LISTEN_FDS tells of, if LISTEN_PID is this process; none if it is not. Programs that this process
  // runs are told of none. Requires: nothing else uses those descriptors. Errors: invalid.
  static Result<HandedSockets> take();

  // Those that another program had taken (succession.h).
  static HandedSockets of(const std::vector<int>& descriptors);
  std::vector<int> descriptors() const;

  bool empty() const { return sockets_.empty(); }
  // Whether they are where http.addr says. Errors: invalid; the message says what to edit.
  Result<> check(const std::string& http_addr) const;
  // What follows `listen` in nginx's configuration, without options of TLS: one for each.
  std::vector<std::string> nginx_addresses() const;
  // In a process that is to run another program which takes them.
  void hand_on() const;
  // In a process that is to become nginx: puts them at first_fd and above, and tells nginx so.
  void give_to_nginx(int first_fd) const;

private:
  std::vector<UniqueFd> sockets_;
  std::string unit_; // which socket unit they come from, as far as it is said
};

} // namespace berth::app
