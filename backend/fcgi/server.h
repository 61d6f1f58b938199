// Server: the pool. Threads that take FastCGI connections from a listening socket, one request a connection, and put
// each request to a handler.
// libfcgi blocks a thread on a connection that is kept alive, so every connection is closed after its request
// (nginx: `fastcgi_keep_conn off`, its default).
#pragma once

#include <string>

#include "base/log.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "http/message.h"

namespace berth::fcgi {

struct Options {
  int listen_fd = -1;          // a listening stream socket; made non-blocking, and never closed nor shut down here
  unsigned threads = 16;       // [1, …)
  std::string spool_directory; // absolute, without a slash at its end: where nginx puts bodies
};

class Server {
public:
  // Borrows: handler, logger.
  Server(Options options, http::Handler& handler, Logger& logger);

  // Serves until stop(): then takes no more connections, finishes the requests that it has, and returns. SIGTERM and
  // SIGUSR1 keep the actions they had, SIGPIPE is ignored from now on; no thread of the pool receives signals.
  // Requires: is called once. Errors: io.
  Result<> run();

  // Threads: safe, and safe in a signal handler; before run() as well.
  void stop();

private:
  class Worker;

  const Options options_;
  http::Handler& handler_;
  Logger& logger_;
  UniqueFd stop_event_; // readable from stop() on
};

} // namespace berth::fcgi
