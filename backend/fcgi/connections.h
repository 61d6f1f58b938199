// Connections: the listening socket and the connections from nginx, in one epoll set on which all threads of the pool
// wait. A connection that is idle, or has not sent anything yet, costs a descriptor here and never a thread; one that
// has something to read is given to one thread, and stays with it until that thread gives it back.
// Threads: safe, but for prepare().
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>

#include "base/guarded.h"
#include "base/log.h"
#include "base/result.h"
#include "base/unique_fd.h"

namespace berth::fcgi {

// The most connections that are held between their requests. Further ones serve one request and are closed.
inline constexpr std::size_t max_held_connections = 1024;
// How long a thread waits for the rest of a request that has begun to come, and for nginx to take more of a reply.
inline constexpr int receive_timeout_seconds = 30;
inline constexpr int send_timeout_seconds = 60;
// On shutdown, the total time to wait for clients that have connected but not sent anything yet.
inline constexpr std::chrono::seconds first_request_grace{2};

struct Connection {
  UniqueFd fd;
  bool watched = false; // in the epoll set
  bool served = false;  // had a request
  std::list<Connection>::iterator self;
  // Handed from thread to thread by epoll, of which the language knows nothing: released before epoll_ctl, acquired
  // after epoll_wait.
  std::atomic<bool> armed = false;
};

class Connections {
public:
  // Borrows: logger. listen_fd is a listening stream socket; it is made non-blocking, and never closed nor shut down.
  Connections(int listen_fd, Logger& logger);

  // Requires: is called once, before the others but stop(). Errors: io.
  Result<> prepare();

  // Waits for a connection on which a request begins, and gives it to the caller, who gives it back by keep() or
  // close(). After stop(): what has something to read already, then null.
  Connection* next();
  // Re-arms the connection for its next request; closes it over the limit or after stop().
  void keep(Connection* connection);
  void close(Connection* connection);

  // Until stop(): where no thread came for the next request in all of a second, kept connections on which one waits are
  // closed, so that nginx asks again and another pool of those that share the socket can answer.
  void hand_back();

  // Makes next() return null. Threads: safe in a signal handler too, and before prepare().
  void stop();
  // Requires of both: no thread is in another function any more. Returns a connection that was accepted before stop()
  // and sends its first request soon after; null if there is none.
  Connection* next_unserved();
  void close_all();

private:
  bool accept(Connection*& with_request);
  Connection* accept_last();
  void arm(Connection* connection);
  Result<> watch(int fd, std::uint32_t events, void* data);
  void pause_after(int error_number);

  const int listen_fd_;
  Logger& logger_;
  std::size_t max_held_ = max_held_connections;
  UniqueFd epoll_;
  UniqueFd stop_event_; // readable from stop() on
  std::atomic<bool> stopping_ = false;
  std::atomic<std::size_t> open_ = 0;
  std::atomic<unsigned> waiting_ = 0;     // threads in next()
  std::atomic<std::uint64_t> events_ = 0; // that came to them
  std::atomic<int> last_accepts_ = 0;
  std::optional<std::chrono::steady_clock::time_point> grace_ends_;
  Guarded<std::list<Connection>> all_;
};

} // namespace berth::fcgi
