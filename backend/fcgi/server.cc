#include "fcgi/server.h"

#include <fcgiapp.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <cerrno>
#include <deque>
#include <memory>
#include <system_error>
#include <thread>
#include <vector>

#include "base/content.h"
#include "base/signals_blocked.h"
#include "fcgi/conversion.h"
#include "http/limits.h"

namespace berth::fcgi {
namespace {

constexpr std::size_t piece_bytes = 64 * 1024;
// What is read and dropped of a body that is too large, so that nginx has sent it all when it looks for the reply.
constexpr std::size_t max_discarded_bytes = 64 * 1024 * 1024;
constexpr int accept_retry_milliseconds = 100; // after an error that is not the connection's, such as EMFILE

// libfcgi takes SIGTERM, SIGUSR1 and SIGPIPE for its own when it is initialised; the first two are the application's.
Result<> initialise_libfcgi() {
  struct sigaction term{}, usr1{}, ignore{};
  ::sigaction(SIGTERM, nullptr, &term);
  ::sigaction(SIGUSR1, nullptr, &usr1);
  const int error = FCGX_Init();
  ::sigaction(SIGTERM, &term, nullptr);
  ::sigaction(SIGUSR1, &usr1, nullptr);
  ignore.sa_handler = SIG_IGN;
  ::sigaction(SIGPIPE, &ignore, nullptr);
  if (error != 0) return fail(Code::io, "FCGX_Init failed with " + std::to_string(error));
  return {};
}

// Reads the body from the stream, up to max_body_in_memory. Errors: bad_request if nginx went away.
Result<> read_body(FCGX_Stream* in, http::Request& request) {
  const auto buffer = std::make_unique_for_overwrite<char[]>(piece_bytes);
  std::string bytes;
  for (std::size_t total = 0; total < max_discarded_bytes;) {
    const int got = FCGX_GetStr(buffer.get(), piece_bytes, in);
    if (got <= 0) break;
    total += static_cast<std::size_t>(got);
    request.body_too_large = total > http::max_body_in_memory;
    if (!request.body_too_large) bytes.append(buffer.get(), static_cast<std::size_t>(got));
  }
  if (FCGX_GetError(in) != 0) return fail(Code::bad_request, {}, "the body broke off");
  if (!request.body_too_large) request.body = Content::of(std::move(bytes));
  return {};
}

// False if nginx went away.
bool put(FCGX_Stream* out, std::string_view bytes) {
  while (!bytes.empty()) {
    const std::string_view piece = bytes.substr(0, piece_bytes);
    if (FCGX_PutStr(piece.data(), static_cast<int>(piece.size()), out) < 0) return false;
    bytes.remove_prefix(piece.size());
  }
  return true;
}

} // namespace

// One thread of the pool.
class Server::Worker {
public:
  explicit Worker(Server& server) : server_(server) {}

  Result<> prepare() {
    epoll_ = UniqueFd(::epoll_create1(EPOLL_CLOEXEC));
    if (!epoll_) return std::unexpected(errno_error("epoll_create1", "pool", errno));
    BERTH_CHECK(watch(server_.stop_event_.get(), EPOLLIN));
    // Exclusive: a connection wakes one thread, not all of them.
    BERTH_CHECK(watch(server_.options_.listen_fd, EPOLLIN | EPOLLEXCLUSIVE));
    if (FCGX_InitRequest(&fcgi_, server_.options_.listen_fd, FCGI_FAIL_ACCEPT_ON_INTR) != 0)
      return fail(Code::io, "FCGX_InitRequest failed");
    return {};
  }

  void run() {
    while (wait_for_connection()) {
      const int error = FCGX_Accept_r(&fcgi_);
      if (error == 0)
        serve();
      else if (error != -EAGAIN && error != -EINTR)
        pause_after(error); // EAGAIN: another thread was faster
      FCGX_Finish_r(&fcgi_);
      FCGX_Free(&fcgi_, 1); // closes the connection though nginx may have asked to keep it
    }
  }

private:
  Result<> watch(int fd, std::uint32_t events) {
    epoll_event event{};
    event.events = events;
    event.data.fd = fd;
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0) return {};
    return std::unexpected(errno_error("epoll_ctl", "pool", errno));
  }

  // False: stop.
  bool wait_for_connection() {
    for (;;) {
      epoll_event events[2];
      const int count = ::epoll_wait(epoll_.get(), events, 2, -1);
      const bool stopping = std::any_of(events, events + std::max(count, 0), [&](const epoll_event& event) {
        return event.data.fd == server_.stop_event_.get();
      });
      if (stopping || (count < 0 && errno != EINTR)) return false;
      if (count > 0) return true;
    }
  }

  // Waits a little, but no longer than until stop().
  void pause_after(int error) {
    server_.logger_.error("cannot accept from nginx", {{"error", std::system_category().message(-error)}});
    epoll_event event{};
    UniqueFd only_stop(::epoll_create1(EPOLL_CLOEXEC));
    event.events = EPOLLIN;
    if (!only_stop || ::epoll_ctl(only_stop.get(), EPOLL_CTL_ADD, server_.stop_event_.get(), &event) != 0) return;
    ::epoll_wait(only_stop.get(), &event, 1, accept_retry_milliseconds);
  }

  void serve() {
    try {
      Incoming incoming;
      const auto received = receive(incoming);
      const http::Response response = received ? server_.handler_.handle(incoming.request)
                                               : server_.handler_.refuse(incoming.request, received.error());
      const bool sent =
          put(fcgi_.out, write_head(incoming.request, response)) && put(fcgi_.out, body_of(incoming.request, response));
      if (!sent) server_.logger_.debug("nginx did not wait for the reply", {{"method", incoming.request.method}});
    } catch (const std::exception& thrown) { // no memory: nginx answers 502 for us
      server_.logger_.error("request dropped", {{"error", thrown.what()}});
    }
  }

  Result<> receive(Incoming& incoming) {
    BERTH_CHECK(read_parameters(fcgi_.envp, incoming));
    if (incoming.spool_file.empty())
      BERTH_CHECK(read_body(fcgi_.in, incoming.request));
    else {
      BERTH_TRY(incoming.request.body, open_spooled(incoming.spool_file, server_.options_.spool_directory));
    }
    return check_length(incoming.request);
  }

  Server& server_;
  UniqueFd epoll_;
  FCGX_Request fcgi_{};
};

Server::Server(Options options, http::Handler& handler, Logger& logger)
    : options_(std::move(options)),
      handler_(handler),
      logger_(logger),
      stop_event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

Result<> Server::run() {
  if (!stop_event_) return fail(Code::io, "eventfd failed");
  BERTH_CHECK(initialise_libfcgi());
  // A thread that was woken for a connection which another one took must not block in accept().
  const int flags = ::fcntl(options_.listen_fd, F_GETFL);
  if (flags < 0 || ::fcntl(options_.listen_fd, F_SETFL, flags | O_NONBLOCK) < 0)
    return std::unexpected(errno_error("fcntl", "the listening socket", errno));

  std::deque<Worker> workers;
  for (unsigned i = 0; i < std::max(options_.threads, 1U); ++i) BERTH_CHECK(workers.emplace_back(*this).prepare());
  std::vector<std::thread> threads;
  Result<> started;
  try {
    const SignalsBlocked blocked;
    for (Worker& worker : workers) threads.emplace_back([&worker] { worker.run(); });
  } catch (const std::system_error& thrown) {
    started = fail(Code::io, std::string("cannot start a thread: ") + thrown.what());
    stop();
  }
  for (std::thread& thread : threads) thread.join();
  return started;
}

void Server::stop() {
  const std::uint64_t one = 1;
  // It can only fail when the event is set already.
  static_cast<void>(!::write(stop_event_.get(), &one, sizeof one));
}

} // namespace berth::fcgi
