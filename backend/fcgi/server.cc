#include "fcgi/server.h"

#include <fcgiapp.h>
#include <poll.h>
#include <semaphore.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <deque>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "base/signals_blocked.h"
#include "base/unique_fd.h"
#include "fcgi/conversion.h"
#include "http/limits.h"

namespace berth::fcgi {
namespace {

constexpr std::size_t piece_bytes = 16 * 1024; // of a thread's stack; libfcgi reads 8 KiB at a time
// What is read and dropped of a body that is too large, so that nginx has sent it all when it looks for the reply.
constexpr std::size_t max_discarded_bytes = 64 * 1024 * 1024;
constexpr std::size_t max_put_bytes = std::size_t{1} << 30; // libfcgi counts in int
constexpr int no_socket = -1;
// Threads that wait for questions, or answer one, at once: two a core, and a few for those that wait for the disk.
constexpr unsigned turns_per_core = 2;
constexpr unsigned min_turns = 4;

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
  std::array<char, piece_bytes> piece;
  std::string bytes;
  for (std::size_t total = 0; total < max_discarded_bytes;) {
    const int got = FCGX_GetStr(piece.data(), piece_bytes, in);
    if (got <= 0) break;
    total += static_cast<std::size_t>(got);
    request.body_too_large = total > http::max_body_in_memory;
    if (!request.body_too_large) bytes.append(piece.data(), static_cast<std::size_t>(got));
  }
  if (FCGX_GetError(in) != 0) return fail(Code::bad_request, {}, "the body broke off");
  if (!request.body_too_large) request.body = Content::of(std::move(bytes));
  return {};
}

// Reads what is left of a request, so that nginx can send all of it and the next byte on its connection begins another.
// False if that did not come about.
bool read_to_the_end(FCGX_Stream* in) {
  std::array<char, piece_bytes> rest;
  for (std::size_t total = 0; total < max_discarded_bytes; total += piece_bytes)
    if (FCGX_GetStr(rest.data(), piece_bytes, in) < static_cast<int>(piece_bytes)) return FCGX_GetError(in) == 0;
  return false;
}

// False if nginx went away, or the file ended early.
bool put_file(FCGX_Stream* out, int fd, std::uint64_t size) {
  std::array<char, piece_bytes> piece;
  while (size > 0) {
    const ssize_t got = ::read(fd, piece.data(), std::min<std::uint64_t>(piece.size(), size));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0 || FCGX_PutStr(piece.data(), static_cast<int>(got), out) < 0) return false;
    size -= static_cast<std::uint64_t>(got);
  }
  return true;
}

// False if nginx went away.
bool put(FCGX_Stream* out, std::string_view bytes) {
  while (!bytes.empty()) {
    const std::string_view piece = bytes.substr(0, max_put_bytes);
    if (FCGX_PutStr(piece.data(), static_cast<int>(piece.size()), out) < 0) return false;
    bytes.remove_prefix(piece.size());
  }
  return true;
}

// What is answered from memory and a few small files, as against what stores something or converts it.
bool is_question(const http::Request& request) {
  if (request.before_body) return true;
  return (request.method == "GET" || request.method == "HEAD") && request.target.find("/v1/") == std::string::npos;
}

} // namespace

// Lets few threads at once wait for connections and answer questions: with a thread for each, every question would wake
// another one, and pay for the switch more than for the answer. Whoever meets something that takes long lets another
// have its turn.
class Server::Turns {
public:
  Turns() {
    const unsigned turns = std::max(turns_per_core * std::thread::hardware_concurrency(), min_turns);
    ::sem_init(&free_, 0, turns);
  }
  ~Turns() { ::sem_destroy(&free_); }
  Turns(const Turns&) = delete;

  void take() {
    while (::sem_wait(&free_) != 0) {
    }
  }
  void give() { ::sem_post(&free_); }

private:
  sem_t free_;
};

// One thread of the pool.
//
// libfcgi would accept connections itself, and wait on one that is kept for its next request: a thread for each. So it
// is given the connections that have a request to read, by FCGX_Request::ipcFd, which FCGX_Accept_r takes instead of
// accepting if it is not negative; and they are taken out again before it can wait. It is told of no listening socket.
class Server::Worker {
public:
  Worker(Server& server, Turns& turns) : server_(server), turns_(turns) {}

  Result<> prepare() {
    if (FCGX_InitRequest(&fcgi_, no_socket, FCGI_FAIL_ACCEPT_ON_INTR) == 0) return {};
    return fail(Code::io, "FCGX_InitRequest failed");
  }

  void run() {
    take_turn();
    while (Connection* connection = server_.connections_.next()) {
      if (serve(*connection))
        server_.connections_.keep(connection);
      else
        server_.connections_.close(connection);
      take_turn();
    }
    give_turn();
  }

  // Answers one request. True if the connection can have another.
  bool serve(Connection& connection) {
    fcgi_.ipcFd = connection.fd.release();
    fcgi_.keepConnection = 1; // or FCGX_Accept_r would close it at once, for the request before
    FCGX_Detach(&fcgi_);      // and if libfcgi closes it, then without waiting for nginx to do so first
    bool keeps = false;
    if (FCGX_Accept_r(&fcgi_) == 0) {
      const bool asked_for = fcgi_.keepConnection != 0;
      const bool of_use = answer();
      keeps = read_to_the_end(fcgi_.in) && asked_for && of_use;
      fcgi_.keepConnection = 1; // who closes it is decided here
      FCGX_Finish_r(&fcgi_);
    }
    connection.fd = UniqueFd(fcgi_.ipcFd); // none if libfcgi met an error
    fcgi_.ipcFd = -1;
    return keeps && connection.fd;
  }

private:
  // False if there is no use in keeping the connection.
  bool answer() {
    try {
      Incoming incoming;
      const auto received = receive(incoming);
      const http::Response response = received ? server_.handler_.handle(incoming.request)
                                               : server_.handler_.refuse(incoming.request, received.error());
      if (const auto* file = std::get_if<http::StoreFile>(&response.body); file && incoming.pool_sends_file)
        return send(incoming.request, response, *file);
      const std::string_view body = incoming.request.before_body ? "" : body_of(incoming.request, response);
      const bool sent = put(fcgi_.out, write_head(incoming.request, response)) && put(fcgi_.out, body);
      if (!sent) server_.logger_.debug("nginx did not wait for the reply", {{"method", incoming.request.method}});
      return sent && nginx_reads_to_the_end(incoming, response);
    } catch (const std::exception& thrown) { // no memory: nginx answers 502 for us
      server_.logger_.error("request dropped", {{"error", thrown.what()}});
      return false;
    }
  }

  // Sends a file, where nginx would compare the request's conditions with the file's date. A slow client of a long file
  // may hold a thread, so few may do so at once. False: the connection is not kept.
  bool send(const http::Request& request, const http::Response& response, const http::StoreFile& file) {
    give_turn();
    const UniqueFd fd = open_stored(server_.options_.store_directory, file);
    const auto refuse = [&](const Error& why) {
      const http::Response refusal = server_.handler_.refuse(request, why);
      put(fcgi_.out, write_head(request, refusal));
      put(fcgi_.out, body_of(request, refusal));
      return false;
    };
    if (!fd) return refuse({Code::blob_unknown, {}, {}});
    if (!server_.sent_files_.try_acquire()) return refuse({Code::unavailable, {}, {}});
    (void)(put(fcgi_.out, write_head(request, response, Stored::by_pool)) && put_file(fcgi_.out, fd.get(), file.size));
    server_.sent_files_.release();
    return false;
  }

  Result<> receive(Incoming& incoming) {
    BERTH_CHECK(read_parameters(fcgi_.envp, incoming));
    incoming.request.client_is_gone = [fd = fcgi_.ipcFd] { return is_closed(fd); };
    incoming.request.takes_long = [this] { give_turn(); };
    if (!is_question(incoming.request)) give_turn();
    if (incoming.request.before_body) return {};
    if (incoming.spool_file.empty())
      BERTH_CHECK(read_body(fcgi_.in, incoming.request));
    else {
      BERTH_TRY(incoming.request.body, open_spooled(incoming.spool_file, server_.options_.spool_directory));
    }
    return check_length(incoming.request);
  }

  // nginx closes the connection when its client has left, where it is not told to ignore that.
  static bool is_closed(int fd) {
    pollfd connection{fd, POLLRDHUP, 0};
    return ::poll(&connection, 1, 0) == 1 && (connection.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
  }

  void take_turn() {
    if (!std::exchange(has_turn_, true)) turns_.take();
  }
  void give_turn() {
    if (std::exchange(has_turn_, false)) turns_.give();
  }

  Server& server_;
  Turns& turns_;
  bool has_turn_ = false;
  FCGX_Request fcgi_{};
};

Server::Server(Options options, http::Handler& handler, Logger& logger)
    : options_(std::move(options)), handler_(handler), logger_(logger), connections_(options_.listen_fd, logger) {}

Result<> Server::run() {
  BERTH_CHECK(initialise_libfcgi());
  BERTH_CHECK(connections_.prepare());
  Turns turns;
  std::deque<Worker> workers;
  for (unsigned i = 0; i < std::max(options_.threads, 1U); ++i)
    BERTH_CHECK(workers.emplace_back(*this, turns).prepare());
  std::vector<std::thread> threads;
  Result<> started;
  try {
    const SignalsBlocked blocked;
    for (Worker& worker : workers) threads.emplace_back([&worker] { worker.run(); });
  } catch (const std::system_error& thrown) {
    started = fail(Code::io, std::string("cannot start a thread: ") + thrown.what() + " (see RLIMIT_NPROC)");
    stop();
  }
  connections_.hand_back();
  for (std::thread& thread : threads) thread.join();
  while (Connection* connection = connections_.next_unserved()) workers.front().serve(*connection);
  connections_.close_all();
  return started;
}

void Server::stop() { connections_.stop(); }

} // namespace berth::fcgi
