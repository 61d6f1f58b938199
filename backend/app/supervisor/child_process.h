// ChildProcess: nginx or the pool, as a child of the supervisor.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "app/pool/nginx_before.h"
#include "base/unique_fd.h"

namespace berth::app {

// A child process and its history.
struct ChildProcess {
  std::string name = {};
  pid_t pid = 0; // 0: not running
  std::chrono::steady_clock::time_point started{};
  int quick_deaths = 0;
  std::optional<std::chrono::steady_clock::time_point> restart_at = {};
  UniqueFd ready = {};           // the pool's: a byte comes when it can serve
  NginxBefore nginx_before = {}; // the pool's, whenever it is started
};

// Whether the pool has said that it can serve.
bool is_ready(const ChildProcess& pool);

// The workers of an nginx that take new connections: not those that only finish what they have.
std::vector<pid_t> serving_workers(pid_t nginx);

// Waits for a child to end; sends second_signal when the time is over or, by signals (a signalfd), another request to
// stop comes; kills it in the end.
void await_end(ChildProcess& child, const UniqueFd& signals, std::chrono::seconds limit, int second_signal);

// Waits until there are no children any more, or the limit has passed.
void await_others(const UniqueFd& signals, std::chrono::milliseconds limit);

// Closes the connections that wait for a pool on a listening socket.
void refuse_waiting(const UniqueFd& socket);

} // namespace berth::app
