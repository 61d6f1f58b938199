// Succession: another program takes the place of this one in the same process, as after an upgrade of the package,
// while nginx and the pool run on: nobody who pushes or pulls notices (docs/decisions/0043). The new program then
// reloads, which starts a pool of its own.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "app/nginx/nginx_process.h"
#include "base/result.h"

namespace berth::app {

// What the new program is told. Descriptors are numbers of open ones, which it owns.
struct Succession {
  pid_t nginx = 0;
  pid_t pool = 0;
  std::vector<pid_t> retiring_pools;
  std::string pull_gate; // of the pool
  std::string instance;  // of all log lines: those of nginx, which runs on, have it in any case
  int run_lock = -1;
  int spool_lock = -1;
  int pool_socket = -1;
  int pulls = -1;
  NginxProcess::Kept nginx_process;
};

// Runs `PROGRAM up CONFIG` in the place of this program. Returns only if that fails, with everything as it was.
// Errors: io.
Result<> succeed(const std::string& program, const std::string& config_file, const Succession& succession);

// The instance of whoever's place this program takes; empty: of nobody, or of a program that did not tell it.
std::string instance_before();

// What this program was told, if it has taken another's place; the next call knows nothing of it. Errors: io, so that
// a service manager starts it anew, if the other program is too old or too new to be succeeded.
Result<std::optional<Succession>> take_succession();

} // namespace berth::app
