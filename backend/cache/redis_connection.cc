#include "cache/redis_connection.h"

#include <arpa/inet.h>
#include <hiredis/hiredis.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <tuple>

#include "base/content.h"
#include "base/unique_fd.h"

namespace berth::cache {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t max_reply_bytes = 64 * 1024; // of one call; what we ask for is a few hundred bytes
constexpr std::size_t read_bytes = 4096;

// Waits until the socket can be read or written. Errors: busy, when time is up.
Result<> wait_for(int fd, short events, Clock::time_point until) {
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now()).count();
    if (left <= 0) return fail(Code::busy, "redis did not answer in time");
    pollfd one{fd, events, 0};
    const int ready = ::poll(&one, 1, static_cast<int>(std::min<std::int64_t>(left + 1, 60'000)));
    if (ready > 0) return {};
    if (ready < 0 && errno != EINTR) return std::unexpected(errno_error("poll", "redis", errno));
  }
}

struct FreeTls {
  void operator()(SSL* ssl) const { ::SSL_free(ssl); }
};
using Tls = std::unique_ptr<SSL, FreeTls>;
struct FreeReader {
  void operator()(redisReader* reader) const { ::redisReaderFree(reader); }
};

bool is_ip(const std::string& host) {
  in6_addr address{};
  return ::inet_pton(AF_INET, host.c_str(), &address) == 1 || ::inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

std::string tls_error() {
  std::array<char, 256> text{};
  const unsigned long error = ::ERR_get_error();
  ::ERR_clear_error();
  if (error == 0) return "the connection was closed";
  ::ERR_error_string_n(error, text.data(), text.size());
  return text.data();
}

RedisReply reply_of(const redisReply& from) {
  RedisReply reply;
  switch (from.type) {
  case REDIS_REPLY_STRING:
  case REDIS_REPLY_STATUS: reply.kind = RedisReply::Kind::text; break;
  case REDIS_REPLY_ERROR: reply.kind = RedisReply::Kind::error; break;
  case REDIS_REPLY_INTEGER: reply.kind = RedisReply::Kind::integer; break;
  case REDIS_REPLY_ARRAY: reply.kind = RedisReply::Kind::list; break;
  default: return reply;
  }
  if (from.str != nullptr) reply.text.assign(from.str, from.len);
  reply.integer = from.integer;
  for (std::size_t i = 0; from.type == REDIS_REPLY_ARRAY && i < from.elements; ++i)
    reply.items.push_back(from.element[i] != nullptr ? reply_of(*from.element[i]) : RedisReply{});
  return reply;
}

Result<std::string> bytes_of(const RedisCommand& command) {
  std::vector<const char*> words;
  std::vector<std::size_t> lengths;
  for (const std::string& word : command) {
    words.push_back(word.data());
    lengths.push_back(word.size());
  }
  char* text = nullptr;
  const int length = ::redisFormatCommandArgv(&text, static_cast<int>(words.size()), words.data(), lengths.data());
  if (length < 0) return fail(Code::io, "no memory for a redis command");
  std::string bytes(text, static_cast<std::size_t>(length));
  ::redisFreeCommand(text);
  return bytes;
}

class Connection final : public RedisConnection {
public:
  Connection(const RedisOptions& options, UniqueFd fd)
      : read_timeout_(options.read_timeout), write_timeout_(options.write_timeout), fd_(std::move(fd)) {}

  Result<> start_tls(SSL_CTX* context, const std::string& host, Clock::time_point until) {
    tls_.reset(::SSL_new(context));
    if (!tls_ || ::SSL_set_fd(tls_.get(), fd_.get()) != 1) return fail(Code::io, "redis: TLS: " + tls_error());
    const bool is_address = is_ip(host);
    X509_VERIFY_PARAM* verify = ::SSL_get0_param(tls_.get());
    const int named = is_address ? ::X509_VERIFY_PARAM_set1_ip_asc(verify, host.c_str())
                                 : ::X509_VERIFY_PARAM_set1_host(verify, host.c_str(), host.size());
    if (named != 1) return fail(Code::io, "redis: TLS: " + tls_error());
    if (!is_address) ::SSL_set_tlsext_host_name(tls_.get(), host.c_str());
    for (int done; (done = ::SSL_connect(tls_.get())) != 1;) BERTH_CHECK(wait_for_tls(done, until));
    return {};
  }

  Result<std::vector<RedisReply>> call(const std::vector<RedisCommand>& commands) override {
    std::string bytes;
    for (const RedisCommand& command : commands) {
      BERTH_TRY(const std::string one, bytes_of(command));
      bytes += one;
    }
    BERTH_CHECK(send(bytes, Clock::now() + write_timeout_));
    received_ = 0;
    std::vector<RedisReply> replies;
    const auto until = Clock::now() + read_timeout_;
    while (replies.size() < commands.size()) {
      BERTH_TRY(RedisReply reply, receive_reply(until));
      replies.push_back(std::move(reply));
    }
    return replies;
  }

private:
  Result<> wait_for_tls(int result, Clock::time_point until) {
    switch (::SSL_get_error(tls_.get(), result)) {
    case SSL_ERROR_WANT_READ: return wait_for(fd_.get(), POLLIN, until);
    case SSL_ERROR_WANT_WRITE: return wait_for(fd_.get(), POLLOUT, until);
    default: return fail(Code::io, "redis: TLS: " + tls_error());
    }
  }

  Result<> send(std::string_view bytes, Clock::time_point until) {
    while (!bytes.empty()) {
      if (tls_) {
        const int sent = ::SSL_write(tls_.get(), bytes.data(), static_cast<int>(bytes.size()));
        if (sent > 0)
          bytes.remove_prefix(static_cast<std::size_t>(sent));
        else
          BERTH_CHECK(wait_for_tls(sent, until));
        continue;
      }
      const ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent >= 0)
        bytes.remove_prefix(static_cast<std::size_t>(sent));
      else if (errno == EAGAIN)
        BERTH_CHECK(wait_for(fd_.get(), POLLOUT, until));
      else if (errno != EINTR)
        return std::unexpected(errno_error("send", "redis", errno));
    }
    return {};
  }

  Result<std::size_t> receive(char* buffer, std::size_t size, Clock::time_point until) {
    for (;;) {
      if (tls_) {
        const int got = ::SSL_read(tls_.get(), buffer, static_cast<int>(size));
        if (got > 0) return static_cast<std::size_t>(got);
        BERTH_CHECK(wait_for_tls(got, until));
        continue;
      }
      const ssize_t got = ::recv(fd_.get(), buffer, size, 0);
      if (got > 0) return static_cast<std::size_t>(got);
      if (got == 0) return fail(Code::io, "redis closed the connection");
      if (errno == EAGAIN)
        BERTH_CHECK(wait_for(fd_.get(), POLLIN, until));
      else if (errno != EINTR)
        return std::unexpected(errno_error("recv", "redis", errno));
    }
  }

  Result<RedisReply> receive_reply(Clock::time_point until) {
    for (;;) {
      void* object = nullptr;
      if (::redisReaderGetReply(reader_.get(), &object) != REDIS_OK)
        return fail(Code::io, std::string("redis talks rubbish: ") + reader_->errstr);
      if (object != nullptr) {
        RedisReply reply = reply_of(*static_cast<redisReply*>(object));
        ::freeReplyObject(object);
        return reply;
      }
      std::array<char, read_bytes> buffer{};
      BERTH_TRY(const std::size_t got, receive(buffer.data(), buffer.size(), until));
      received_ += got;
      if (received_ > max_reply_bytes) return fail(Code::io, "redis talks rubbish: a reply that has no end");
      if (::redisReaderFeed(reader_.get(), buffer.data(), got) != REDIS_OK)
        return fail(Code::io, std::string("redis talks rubbish: ") + reader_->errstr);
    }
  }

  const std::chrono::milliseconds read_timeout_, write_timeout_;
  UniqueFd fd_; // outlives tls_
  Tls tls_;
  std::unique_ptr<redisReader, FreeReader> reader_{::redisReaderCreate()};
  std::size_t received_ = 0;
};

// "host:port", "[::1]:port".
Result<std::pair<std::string, std::string>> split_address(const std::string& address) {
  const auto colon = address.rfind(':');
  if (colon == std::string::npos || colon == 0 || colon + 1 == address.size())
    return fail(Code::invalid, "redis: \"" + address + "\": allowed is host:port or the path of a socket");
  std::string host = address.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return std::pair(host, address.substr(colon + 1));
}

Result<UniqueFd> connect_to(const sockaddr* address, socklen_t length, int family, Clock::time_point until) {
  UniqueFd fd(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return std::unexpected(errno_error("socket", "redis", errno));
  if (::connect(fd.get(), address, length) != 0) {
    if (errno != EINPROGRESS) return std::unexpected(errno_error("connect", "redis", errno));
    BERTH_CHECK(wait_for(fd.get(), POLLOUT, until));
    int error = 0;
    socklen_t size = sizeof error;
    if (::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0)
      return std::unexpected(errno_error("connect", "redis", error));
  }
  const int on = 1;
  if (family != AF_UNIX) ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

Result<UniqueFd> connect_by_path(const std::string& path, Clock::time_point until) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return fail(Code::invalid, "redis: the path of the socket is too long");
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return connect_to(reinterpret_cast<const sockaddr*>(&address), sizeof address, AF_UNIX, until);
}

// Looking up the name has no limit but the resolver's own.
Result<UniqueFd> connect_by_name(const std::string& host, const std::string& port, Clock::time_point until) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int error = ::getaddrinfo(host.c_str(), port.c_str(), &hints, &found); error != 0)
    return fail(Code::io, "redis: " + host + ": " + ::gai_strerror(error));
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> all(found, &::freeaddrinfo);
  Result<UniqueFd> fd = fail(Code::io, "redis: " + host + " has no address");
  for (const addrinfo* one = all.get(); one != nullptr && !fd; one = one->ai_next)
    fd = connect_to(one->ai_addr, one->ai_addrlen, one->ai_family, until);
  return fd;
}

} // namespace

Result<RedisDialer> RedisDialer::make(RedisOptions options) {
  if (!options.address.starts_with('/')) BERTH_CHECK(split_address(options.address));
  RedisDialer dialer(std::move(options));
  if (!dialer.options_.uses_tls()) return dialer;
  std::shared_ptr<SSL_CTX> context(::SSL_CTX_new(::TLS_client_method()), &::SSL_CTX_free);
  const auto refuse = [](const std::string& file) {
    return fail(Code::invalid, "redis.tls: " + file + ": " + tls_error());
  };
  if (!context) return refuse("no context");
  ::SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  ::SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  ::SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  const RedisOptions& from = dialer.options_;
  if (from.root_cas.empty() && ::SSL_CTX_set_default_verify_paths(context.get()) != 1) return refuse("the host's CAs");
  for (const std::string& file : from.root_cas)
    if (::SSL_CTX_load_verify_locations(context.get(), file.c_str(), nullptr) != 1) return refuse(file);
  if (!from.certificate.empty()) {
    if (::SSL_CTX_use_certificate_chain_file(context.get(), from.certificate.c_str()) != 1)
      return refuse(from.certificate);
    if (::SSL_CTX_use_PrivateKey_file(context.get(), from.key.c_str(), SSL_FILETYPE_PEM) != 1) return refuse(from.key);
  }
  dialer.tls_ = std::move(context);
  return dialer;
}

Result<std::unique_ptr<RedisConnection>> RedisDialer::dial() const {
  const auto until = Clock::now() + options_.dial_timeout;
  std::string host = "localhost", port;
  const bool by_path = options_.address.starts_with('/');
  if (!by_path) {
    BERTH_TRY(const auto address, split_address(options_.address));
    std::tie(host, port) = address;
  }
  BERTH_TRY(UniqueFd fd, by_path ? connect_by_path(options_.address, until) : connect_by_name(host, port, until));
  auto connection = std::make_unique<Connection>(options_, std::move(fd));
  if (tls_) BERTH_CHECK(connection->start_tls(static_cast<SSL_CTX*>(tls_.get()), host, until));

  std::vector<RedisCommand> greeting;
  if (!options_.username.empty())
    greeting.push_back({"AUTH", options_.username, options_.password});
  else if (!options_.password.empty())
    greeting.push_back({"AUTH", options_.password});
  if (options_.database != 0) greeting.push_back({"SELECT", std::to_string(options_.database)});
  if (!options_.client_name.empty()) greeting.push_back({"CLIENT", "SETNAME", options_.client_name});
  if (greeting.empty()) return std::unique_ptr<RedisConnection>(std::move(connection));
  BERTH_TRY(const auto replies, connection->call(greeting));
  for (const RedisReply& reply : replies)
    if (reply.kind == RedisReply::Kind::error) return fail(Code::denied, "redis refuses us: " + reply.text);
  return std::unique_ptr<RedisConnection>(std::move(connection));
}

} // namespace berth::cache
