// The pool: wires the layers together for one configuration, and serves until it is told to stop. With main.cc and the
// commands, the only place that names concrete classes.
#pragma once

#include <functional>
#include <string>

#include "api/debug/answers.h"
#include "app/pool/nginx_before.h"
#include "base/log.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "config/config.h"

namespace berth::app {

// Which API the pool serves. As config.yml says: v2, and v1 unless that is switched off or another registry's.
enum class PoolApi { as_configured, v1, v2 };

// A spool that is this pool's alone lets it hash bodies while they arrive.
enum class Spool { ours_alone, shared };

struct PoolRole {
  PoolApi serves;
  Spool spool;
  std::string instance;    // as log lines have it
  std::string config_file; // that the commands of a collection are started with; empty: there are none
  NginxBefore nginx = {};
  api::debug::Answers* pulls = nullptr; // that nginx makes by itself, counted; null: it makes none, or nobody counts
};

// Answers FastCGI requests on a listening socket until SIGTERM or SIGINT; requests in progress are finished.
// Without http.secret, the one that is kept in the store is used. Calls ready when everything is made and the first
// request can be taken.
// Requires: is called once, while the process has one thread. Errors: invalid, io.
Result<> run_pool(const config::Config& config, const PoolRole& role, const UniqueFd& listen_socket, Logger& logger,
                  const std::function<void()>& ready);

} // namespace berth::app
