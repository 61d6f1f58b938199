// Half: nginx or the pool, as a child of the supervisor.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace berth::app {

// A child process and its history.
struct Half {
  std::string name = {};
  pid_t pid = 0; // 0: not running
  std::chrono::steady_clock::time_point started{};
  int quick_deaths = 0;
  std::optional<std::chrono::steady_clock::time_point> restart_at = {};
  UniqueFd ready = {}; // the pool's: a byte comes when it can serve
};

// Whether the pool has said that it can serve. Waits so long for it; 0: just looks.
bool is_ready(const Half& pool, std::chrono::milliseconds wait = {});

// Waits until a new pool can serve. Errors: io if it ends, is too slow, or this process is told to stop.
Result<> await_ready(const Half& pool);

// Closes the connections that wait for a pool on a listening socket.
void refuse_waiting(const UniqueFd& socket);

} // namespace berth::app
