// HttpClient: HTTP requests out, over libcurl. For webhooks, health checks, keys of token issuers.
// Spec: RFC 9110; docs/decisions/0024 (libcurl is loaded when it is first needed).
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace berth::client {

struct HttpRequest {
  std::string method = "GET"; // GET, HEAD, POST
  std::string url;            // http or https
  // A name without a value is sent as such. Expect is never sent.
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::string user_agent = "berth";        // empty: none is sent
  std::string body = {};                   // of a POST
  std::chrono::milliseconds timeout{5000}; // of all of it, redirects too
  // Of the body; what is longer is an error. 0: the body is not wanted: up to 1 MiB of it is read and thrown away, what
  // is longer ends the connection.
  std::size_t max_reply_bytes = 0;
  bool https_only = false;     // another scheme is refused, also after a redirect
  unsigned max_redirects = 0;  // 0: a redirect is a reply as others; more than these are an error
  bool to_other_hosts = false; // whether a redirect may lead to another host or port; else that is an error
  bool through_proxy = true;   // if http_proxy and its like name one
};

struct HttpReply {
  int status = 0;
  std::string body;
};

class HttpClient {
public:
  // Errors: io, if there is no libcurl.
  static Result<std::unique_ptr<HttpClient>> make();
  virtual ~HttpClient() = default;

  // Any status is a reply. Keeps the connection for the next request. A redirected POST stays one, but after 303.
  // Errors: io if no reply came: the message is libcurl's text for this failure, the detail its text for such failures,
  // neither has the URL's secrets; size_invalid for a reply that is too long; unavailable after stop().
  // Threads: one at a time.
  virtual Result<HttpReply> perform(const HttpRequest& request) = 0;
  // Ends the request in progress within a second or so, and all that follow. Threads: safe.
  virtual void stop() = 0;
};

// One request, on a connection of its own. Errors: as HttpClient's. Threads: safe.
Result<HttpReply> perform(const HttpRequest& request);

// Whether a TCP connection can be made to host:port; it is closed at once. Errors: io, as HttpClient's. Threads: safe.
Result<> connect(const std::string& address, std::chrono::milliseconds timeout);

} // namespace berth::client
