// Server: a thread pool that reads FastCGI requests and passes each to a handler. A connection may have many requests,
// one after the other (nginx: `fastcgi_keep_conn on`); between them it holds no thread (connections.h).
#pragma once

#include <semaphore>
#include <string>

#include "base/log.h"
#include "base/result.h"
#include "fcgi/connections.h"
#include "http/message.h"

namespace berth::fcgi {

class Exchange;

inline constexpr int max_sent_files = 2; // by the pool, at once

struct Options {
  int listen_fd = -1;               // a listening stream socket; made non-blocking, and never closed nor shut down here
  unsigned threads = 16;            // [1, …)
  unsigned long_bodies = 16;        // requests with a long body that are worked on at once, [1, …) (admission.h)
  std::string spool_directory;      // absolute, without a slash at its end: where nginx puts bodies
  std::string store_directory = {}; // the same: what a StoreFile's path begins at
};

class Server {
public:
  // Borrows: handler, logger.
  Server(Options options, http::Handler& handler, Logger& logger);

  // Serves until stop(): then accepts no more connections, answers the requests that have begun to come on those that
  // it has, closes them and returns. SIGTERM and SIGUSR1 keep the actions they had, SIGPIPE is ignored from now on; no
  // thread of the pool receives signals.
  // Requires: is called once. Errors: io.
  Result<> run();

  // Threads: safe, and safe in a signal handler; before run() as well.
  void stop();

private:
  class Worker;

  void finish(Exchange& exchange, bool keep);

  const Options options_;
  http::Handler& handler_;
  Logger& logger_;
  Connections connections_;
  std::counting_semaphore<max_sent_files> sent_files_{max_sent_files};
};

} // namespace berth::fcgi
