// A listening socket that several pools share: replicas of a service, on one host, whose containers have a directory in
// common. A new pool gets the socket from a running one; the kernel gives each connection to an idle pool. So a pool
// may die, or be replaced, and no request is refused while another pool is left (docs/decisions/0014).
#pragma once

#include <string>
#include <thread>

#include "base/result.h"
#include "base/unique_fd.h"

namespace berth::app {

// One pool's part in it. Beside the socket at `path` are `path`.share, where the members give it away, and `path`.lock,
// held by flock(2) by who joins. None of the three is removed at the end: another member may be using them.
// Threads: one of its own, from join to destruction, with all signals blocked.
class SharedSocket {
public:
  // Joins those who listen at path, or begins. A member that does not answer within seconds is asked no further: then
  // the path becomes a new socket. Errors: io, also if another has been joining for half a minute.
  static Result<SharedSocket> join(const std::string& path);

  SharedSocket(SharedSocket&&) = default;
  SharedSocket& operator=(SharedSocket&&) = delete;
  ~SharedSocket();

  const UniqueFd& listening() const { return listening_; }
  bool joined_others() const { return joined_others_; }

private:
  SharedSocket() = default;
  Result<> give_away();

  UniqueFd listening_;
  UniqueFd sharing_;    // the listening socket of `path`.share
  UniqueFd stop_event_; // eventfd: readable once the thread has to end
  std::thread giver_;
  bool joined_others_ = false;
};

} // namespace berth::app
