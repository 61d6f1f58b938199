// RedisConnection: one connection to a redis server, plain or TLS, which answers in time or breaks.
// hiredis writes and reads the protocol; the bytes are moved here, as each wait has a limit and hiredis has no TLS in
// the version that Debian 12 ships.
// Threads: a connection belongs to one at a time; a dialer is safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"

namespace berth::cache {

struct RedisOptions {
  std::string address; // host:port, or the path of a unix socket
  std::string username, password, client_name;
  int database = 0;
  std::chrono::milliseconds dial_timeout{500};
  std::chrono::milliseconds write_timeout{250};
  std::chrono::milliseconds read_timeout{250};
  std::size_t max_idle = 16; // connections that are kept
  std::size_t max_active =
      0; // that are used at once; beyond, requests go on without the cache. 0: as many as asked for
  std::chrono::milliseconds idle_timeout{300'000};
  std::string certificate, key;      // PEM files, or neither: who we are
  std::vector<std::string> root_cas; // PEM files: whom the server's certificate is from
  bool uses_tls() const { return !certificate.empty() || !root_cas.empty(); }
};

struct RedisReply {
  enum class Kind { nothing, text, integer, list, error } kind = Kind::nothing;
  std::string text; // of a text, a status or an error
  std::int64_t integer = 0;
  std::vector<RedisReply> items;
};

using RedisCommand = std::vector<std::string>;

class RedisConnection {
public:
  virtual ~RedisConnection() = default;
  // Sends all and waits for all replies; an error that is a reply is among them.
  // Errors: busy if it took too long; io if the server is gone or talks rubbish. The connection is of no use then.
  virtual Result<std::vector<RedisReply>> call(const std::vector<RedisCommand>& commands) = 0;
};

// Makes connections: connected, greeted and logged in.
class RedisDialer {
public:
  // Reads certificates. Errors: invalid.
  static Result<RedisDialer> make(RedisOptions options);
  // Errors: busy, io; denied if the server refuses us.
  Result<std::unique_ptr<RedisConnection>> dial() const;
  const RedisOptions& options() const { return options_; }

private:
  explicit RedisDialer(RedisOptions options) : options_(std::move(options)) {}
  RedisOptions options_;
  std::shared_ptr<void> tls_; // an SSL_CTX; null: plain
};

} // namespace berth::cache
