// Reload: a new configuration on its way into a running registry. A new pool first, beside the old one; when it can
// serve, connections of clients are drained for a while (docs/decisions/0026); then nginx takes what was staged for it,
// and the old pool may go. The supervisor does not wait for a reload: it asks from time to time how far it is.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <memory>
#include <vector>

#include "app/nginx/nginx_process.h"
#include "app/supervisor/child_process.h"
#include "base/log.h"
#include "base/result.h"
#include "config/config.h"

namespace berth::app {

class Reload {
public:
  // Of a configuration that is staged, with a new pool that has just been forked, for the nginx of that pid.
  Reload(config::Loaded loaded, std::unique_ptr<Logger> logger, ChildProcess pool, NginxProcess& nginx_process,
         pid_t nginx);

  // Goes on. False: not done yet. After an error, or when it is dropped before the end, give_up() follows. Errors: io.
  Result<bool> advance();
  // To be told of every child that has ended.
  void note_end(pid_t pid);
  // Lets nginx stay with, or go back to, what it had. Errors: io.
  Result<> give_up();

  config::Loaded loaded;
  std::unique_ptr<Logger> logger;
  ChildProcess pool;

private:
  using Time = std::chrono::steady_clock::time_point;

  enum class Step { pool, drain, nginx }; // what is waited for

  Result<bool> await_pool();
  Result<bool> await_drain();
  Result<bool> await_nginx();
  bool is_taken() const;

  NginxProcess& nginx_process_;
  pid_t nginx_; // 0: it has ended
  Step step_ = Step::pool;
  std::vector<pid_t> workers_; // those that served before
  Time deadline_;
};

} // namespace berth::app
