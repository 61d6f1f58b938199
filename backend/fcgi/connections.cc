#include "fcgi/connections.h"

#include <fcntl.h>
#include <netinet/in.h> // NOLINT(misc-include-cleaner): IPPROTO_TCP, an enumerator and a macro
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

#include "base/content.h"

namespace berth::fcgi {
namespace {

constexpr int accept_retry_milliseconds = 100; // after an error that is not the connection's, such as EMFILE
constexpr int max_last_accepts = 512;          // more than wait: a listening socket has at most as many
constexpr int hand_back_milliseconds = 1000;
constexpr std::uint32_t one_request = EPOLLIN | EPOLLONESHOT; // whoever is given it arms it again

bool is_of_the_connection(int error_number) {
  return error_number == EAGAIN || error_number == EINTR || error_number == ECONNABORTED || error_number == EPROTO;
}

void set_timeouts(int fd) {
  const timeval receive{receive_timeout_seconds, 0}, send{send_timeout_seconds, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &receive, sizeof receive);
  ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &send, sizeof send);
}

// The connection that an event gives to this thread.
Connection* taken(const epoll_event& event) {
  auto* connection = static_cast<Connection*>(event.data.ptr);
  static_cast<void>(connection->armed.load(std::memory_order_acquire));
  return connection;
}

// A third of the descriptors that the process may have: a request opens files too.
std::size_t allowed_by_limits() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return max_held_connections;
  return std::min<std::size_t>(max_held_connections, limit.rlim_cur / 3);
}

} // namespace

Connections::Connections(int listen_fd, Logger& logger)
    : listen_fd_(listen_fd), logger_(logger), stop_event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

Result<> Connections::prepare() {
  if (!stop_event_) return fail(Code::io, "eventfd failed");
  epoll_ = UniqueFd(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll_) return std::unexpected(errno_error("epoll_create1", "pool", errno));
  // A thread that was woken for a connection which another one took must not block in accept().
  const int flags = ::fcntl(listen_fd_, F_GETFL);
  if (flags < 0 || ::fcntl(listen_fd_, F_SETFL, flags | O_NONBLOCK) < 0)
    return std::unexpected(errno_error("fcntl", "the listening socket", errno));
  max_held_ = allowed_by_limits();
  BERTH_CHECK(watch(stop_event_.get(), EPOLLIN, &stop_event_));
  // Exclusive: a connection wakes one pool of those that share the socket, not all of them.
  return watch(listen_fd_, EPOLLIN | EPOLLEXCLUSIVE, this);
}

Result<> Connections::watch(int fd, std::uint32_t events, void* data) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = data;
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0) return {};
  return std::unexpected(errno_error("epoll_ctl", "pool", errno));
}

Connection* Connections::next() {
  // After stop() the eventfd stays readable, and epoll reports it last: seeing it twice in a row means that nothing
  // else is ready.
  for (int stops = 0; stops < 2;) {
    if (stops == 1)
      if (Connection* connection = accept_last()) return connection;
    epoll_event event{};
    ++waiting_;
    const int count = ::epoll_wait(epoll_.get(), &event, 1, stops > 0 ? 0 : -1);
    --waiting_;
    if (count < 0 && errno != EINTR) {
      logger_.error("epoll_wait failed", {{"error", std::system_category().message(errno)}});
      return nullptr;
    }
    if (count <= 0) continue;
    ++events_;
    if (event.data.ptr == &stop_event_) {
      ++stops;
    } else if (event.data.ptr == this) {
      Connection* connection = nullptr;
      if (accept(connection) && connection != nullptr) return connection;
    } else {
      Connection* connection = taken(event);
      if ((event.events & (EPOLLHUP | EPOLLERR)) == 0) return connection;
      close(connection); // the client has gone, so no reply is read
    }
  }
  return nullptr;
}

// The kernel wakes one pool for each connection, and it may have woken this one: connections that came before the
// socket was taken out of the set are accepted here, as no other pool is woken for them.
Connection* Connections::accept_last() {
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, listen_fd_, nullptr); // fails if another thread has done so
  Connection* connection = nullptr;
  while (connection == nullptr && last_accepts_++ < max_last_accepts && accept(connection)) {
  }
  return connection;
}

void Connections::hand_back() {
  pollfd stop{stop_event_.get(), POLLIN, 0};
  for (std::uint64_t before = events_; ::poll(&stop, 1, hand_back_milliseconds) <= 0; before = events_) {
    if (stopping_) return;
    if (waiting_ != 0 || before != events_) continue;
    std::array<epoll_event, 64> events;
    const int count = ::epoll_wait(epoll_.get(), events.data(), events.size(), 0);
    for (int i = 0; i < count; ++i) {
      void* what = events[static_cast<std::size_t>(i)].data.ptr;
      if (what == this || what == &stop_event_) continue;
      Connection* connection = taken(events[static_cast<std::size_t>(i)]);
      if (connection->served)
        close(connection);
      else
        arm(connection); // nginx asks again only for what came over a kept one
    }
  }
}

// False if there is nothing to accept. A connection that has nothing to read yet is not given to the caller.
bool Connections::accept(Connection*& with_request) {
  sockaddr_storage peer{};
  socklen_t length = sizeof peer;
  UniqueFd fd(::accept4(listen_fd_, reinterpret_cast<sockaddr*>(&peer), &length, SOCK_CLOEXEC));
  if (!fd) {
    const int error_number = errno;
    if (!is_of_the_connection(error_number)) pause_after(error_number);
    return error_number != EAGAIN;
  }
  set_timeouts(fd.get());
  const int on = 1;
  if (peer.ss_family != AF_UNIX) ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  char first = 0;
  const ssize_t peeked = ::recv(fd.get(), &first, 1, MSG_PEEK | MSG_DONTWAIT);
  if (peeked == 0) return true; // gone already
  Connection* connection = all_.with([&](std::list<Connection>& all) {
    Connection& added = all.emplace_front();
    added.fd = std::move(fd);
    added.self = all.begin();
    return &added;
  });
  ++open_;
  if (peeked > 0 || open_ > max_held_)
    with_request = connection;
  else
    arm(connection);
  return true;
}

// Waits a little, but no longer than until stop().
void Connections::pause_after(int error_number) {
  logger_.error("cannot accept from nginx", {{"error", std::system_category().message(error_number)}});
  pollfd stop{stop_event_.get(), POLLIN, 0};
  ::poll(&stop, 1, accept_retry_milliseconds);
}

void Connections::keep(Connection* connection) {
  if (open_ > max_held_ || stopping_) return close(connection);
  connection->served = true;
  arm(connection);
}

void Connections::arm(Connection* connection) {
  epoll_event event{};
  event.events = one_request;
  event.data.ptr = connection;
  const int how = connection->watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
  const int fd = connection->fd.get();
  connection->watched = true;
  connection->armed.store(true, std::memory_order_release); // from here on another thread may have it
  // Not epoll_ctl(): the thread sanitizer would take its use of fd for one that comes after the hand-over.
  if (::syscall(SYS_epoll_ctl, epoll_.get(), how, fd, &event) != 0) close(connection);
}

void Connections::close(Connection* connection) {
  std::list<Connection> doomed; // closed after the lock is let go
  all_.with([&](std::list<Connection>& all) { doomed.splice(doomed.begin(), all, connection->self); });
  --open_;
}

void Connections::stop() {
  stopping_ = true;
  const std::uint64_t one = 1;
  // It can only fail when the event is set already.
  static_cast<void>(!::write(stop_event_.get(), &one, sizeof one));
}

Connection* Connections::next_unserved() {
  using std::chrono::steady_clock;
  if (!grace_ends_) grace_ends_ = steady_clock::now() + first_request_grace;
  for (;;) {
    Connection* unserved = all_.with([](std::list<Connection>& all) -> Connection* {
      const auto found = std::ranges::find(all, false, &Connection::served);
      return found != all.end() ? &*found : nullptr;
    });
    if (unserved == nullptr) return nullptr;
    unserved->served = true;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(*grace_ends_ - steady_clock::now());
    pollfd waiting{unserved->fd.get(), POLLIN, 0};
    if (::poll(&waiting, 1, std::max(static_cast<int>(left.count()), 0)) == 1) return unserved;
  }
}

void Connections::close_all() {
  all_.with([](std::list<Connection>& all) { all.clear(); });
}

} // namespace berth::fcgi
