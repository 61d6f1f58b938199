// Request and Response: one HTTP exchange as plain values. No sockets, no FastCGI.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/content.h"
#include "base/is_gone.h"
#include "base/result.h"
#include "base/waiting.h"

namespace berth::http {

// Header fields in the order they came or go; names compare without case.
class Headers {
public:
  void add(std::string name, std::string value) { fields_.emplace_back(std::move(name), std::move(value)); }
  // Replaces every field of that name.
  void set(std::string name, std::string value);
  // The first value, or empty.
  std::string_view get(std::string_view name) const;
  bool has(std::string_view name) const;
  const std::vector<std::pair<std::string, std::string>>& fields() const { return fields_; }

private:
  std::vector<std::pair<std::string, std::string>> fields_;
};

// Facts about a request that only the log needs.
struct Trace {
  std::string id;         // nginx's $request_id; empty if it sent none
  std::string repository; // set by the handler, both
  std::string user;       // verified; empty for an anonymous caller
};

struct Request {
  std::string method;             // as sent: GET
  std::string target;             // as sent: path and query, percent-encoded
  Headers headers;                // several Accept lines arrive as one, joined by ", " (RFC 9110 section 5.3)
  std::string remote_addr;        // the peer of nginx
  std::string remote_port;        // of it; may be empty
  std::string scheme;             // http or https: how the client reached nginx
  std::string client_certificate; // PEM, that nginx has verified; empty: there is none, or nobody asks who it names
  std::optional<std::uint64_t> content_length; // absent for a chunked body
  Content body;
  // The body is not here yet: nginx asks whether it shall take it. The answer is TakesBody, or what would be answered
  // whatever the body is.
  bool before_body = false;
  std::optional<Time> judged_at; // when rights were first asked for: before the body, if nginx asked then
  // How it waits, also where cost_of calls it quick. If `awaited` is set after handle(), the response means nothing,
  // and the same request is to be handled again when that is over.
  Waiting waiting;
  const void* routed = nullptr; // the handler's own: what cost_of has found out, for handle
  IsGone client_is_gone;        // as far as nginx tells of it
  bool is_for_debug = false;    // came to the debug server
  Trace trace;
  bool body_too_large = false; // the body was longer than the pool takes in memory; `body` is empty then
};

// A file of the store, by its path below the storage root ("/docker/registry/v2/blobs/…"), to be sent by nginx: with
// sendfile, ranges and all. The response's other headers go with it.
struct StoreFile {
  std::string path;
  std::uint64_t size = 0; // bytes of all of it
};

// The answer to a request with before_body whose body is wanted: nginx shall take it, into a file of the spool, or as
// one that is a manifest at most.
enum class TakesBody { spooled, small };

struct Response {
  int status = 200;
  Headers headers;                                      // Content-Length is added by whoever writes the response
  std::variant<std::string, StoreFile, TakesBody> body; // bytes, or a file that nginx sends
  // The client asks too often: the reply is held for a second, or sent at once if too many are held.
  bool is_held = false;
  // HEAD, and only HEAD: the length that the same GET would have, while the body stays empty.
  std::optional<std::uint64_t> length_of_get = {};
};

// The answer before the body if nothing is wrong so far.
inline Response takes(TakesBody how) { return {204, {}, how}; }

// What a request takes of the pool, as far as its method and target say it. quick: memory and a few small files; slow:
// it stores something, or reads much; unpacks: it may turn a layer into something else, and takes turns of its own.
enum class Cost { quick, slow, unpacks };

class Handler {
public:
  virtual ~Handler() = default;
  // Threads: all are called from many. Errors: never throw and never fail; what went wrong is in the response.
  virtual Response handle(Request& request) = 0;
  // The answer to a request that did not arrive whole or well-formed, and of which only what could be read is there.
  virtual Response refuse(const Request& request, const Error& why) = 0;
  // Asked before the body is read, or not at all.
  virtual Cost cost_of(Request& request) const = 0;
};

} // namespace berth::http
