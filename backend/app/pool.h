// The pool: wires the layers together for one configuration, and serves until it is told to stop. With main.cc and the
// commands, the only place that names concrete classes.
#pragma once

#include "base/log.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "config/config.h"

namespace berth::app {

// Answers FastCGI requests on a listening socket until SIGTERM or SIGINT; requests in progress are finished.
// Without http.secret, the one that is kept in the store is used.
// A spool that is this pool's alone lets it hash bodies while they arrive.
// Requires: is called once, while the process has one thread. Errors: invalid, io.
enum class Spool { ours_alone, shared };
Result<> run_pool(const config::Config& config, const UniqueFd& listen_socket, Spool spool, Logger& logger);

} // namespace berth::app
