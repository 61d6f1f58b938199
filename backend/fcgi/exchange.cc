#include "fcgi/exchange.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "http/limits.h"
#include "spool/spool.h"

namespace berth::fcgi {
namespace {

constexpr std::size_t piece_bytes = 16 * 1024; // of a thread's stack; libfcgi reads 8 KiB at a time
// What is read and dropped of a body that is too large, so that nginx has sent it all when it looks for the reply.
constexpr std::size_t max_discarded_bytes = 64 * 1024 * 1024;
constexpr std::size_t max_put_bytes = std::size_t{1} << 30; // libfcgi counts in int
constexpr int no_socket = -1;

// Reads the body from the stream, up to max_body_in_memory. Errors: bad_request if nginx went away.
Result<> read_stream(FCGX_Stream* in, http::Request& request) {
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

// nginx closes the connection when its client has left, where it is not told to ignore that.
bool is_closed(int fd) {
  pollfd connection{fd, POLLRDHUP, 0};
  return ::poll(&connection, 1, 0) == 1 && (connection.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

} // namespace

Exchange::Exchange() { FCGX_InitRequest(&fcgi_, no_socket, FCGI_FAIL_ACCEPT_ON_INTR); }

bool Exchange::begin(Connection& connection) {
  connection_ = &connection;
  fcgi_.ipcFd = connection.fd.release();
  fcgi_.keepConnection = 1; // or FCGX_Accept_r would close it at once, for the request before
  FCGX_Detach(&fcgi_);      // and if libfcgi closes it, then without waiting for nginx to do so first
  begun_ = FCGX_Accept_r(&fcgi_) == 0;
  return begun_;
}

Result<> Exchange::read_head() {
  incoming.request.client_is_gone = [fd = fcgi_.ipcFd] { return is_closed(fd); };
  return read_parameters(fcgi_.envp, incoming);
}

Result<> Exchange::read_body(const std::string& spool_directory) {
  if (incoming.spool_file.empty())
    BERTH_CHECK(read_stream(fcgi_.in, incoming.request));
  else {
    BERTH_TRY(incoming.request.body, spool::open_spooled(incoming.spool_file, spool_directory));
  }
  return check_length(incoming.request);
}

bool Exchange::put(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::string_view piece = bytes.substr(0, max_put_bytes);
    if (FCGX_PutStr(piece.data(), static_cast<int>(piece.size()), fcgi_.out) < 0) return false;
    bytes.remove_prefix(piece.size());
  }
  return true;
}

bool Exchange::put_file(int fd, std::uint64_t size) {
  std::array<char, piece_bytes> piece;
  while (size > 0) {
    const ssize_t got = ::read(fd, piece.data(), std::min<std::uint64_t>(piece.size(), size));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0 || FCGX_PutStr(piece.data(), static_cast<int>(got), fcgi_.out) < 0) return false;
    size -= static_cast<std::uint64_t>(got);
  }
  return true;
}

bool Exchange::end(bool keep) {
  if (std::exchange(begun_, false)) {
    const bool asked_for = fcgi_.keepConnection != 0;
    keep = read_to_the_end(fcgi_.in) && asked_for && keep;
    fcgi_.keepConnection = 1; // who closes it is decided here
    FCGX_Finish_r(&fcgi_);
  } else {
    keep = false;
  }
  connection_->fd = UniqueFd(fcgi_.ipcFd); // none if libfcgi met an error
  fcgi_.ipcFd = -1;
  incoming = {}; // the body's file
  held_reply.clear();
  return keep && connection_->fd;
}

} // namespace berth::fcgi
