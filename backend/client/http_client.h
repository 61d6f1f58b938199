// HttpClient: HTTP requests out, over libcurl. For webhooks, health checks, keys of token issuers, object stores.
// Spec: RFC 9110; docs/decisions/0024 (libcurl is loaded when it is first needed).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace berth::client {

// A part of an open file, which is sent as it is read.
struct FilePart {
  int fd = -1;
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
};

struct HttpRequest {
  std::string method = "GET"; // GET, HEAD, POST, PUT, DELETE
  std::string url;            // http or https
  // A name without a value is sent as such. Expect is never sent.
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::string user_agent = "berth";             // empty: none is sent
  std::string_view body = {};                   // of a POST or PUT
  std::optional<FilePart> file = {};            // of a PUT, instead of the body
  std::chrono::milliseconds timeout{5000};      // of all of it, redirects too; 0: none
  std::chrono::milliseconds connect_timeout{0}; // until there is a connection; 0: the timeout alone
  std::chrono::seconds stall_timeout{0};        // less than 1 KiB a second for so long ends it; 0: nothing does
  // Of the body; what is longer is an error. 0: the body is not wanted: up to 1 MiB of it is read and thrown away, what
  // is longer ends the connection.
  std::size_t max_reply_bytes = 0;
  bool https_only = false;     // another scheme is refused, also after a redirect
  unsigned max_redirects = 0;  // 0: a redirect is a reply as others; more than these are an error
  bool to_other_hosts = false; // whether a redirect may lead to another host or port; else that is an error
  bool through_proxy = true;   // if http_proxy and its like name one
  bool verifies_tls = true;    // whether an https server has to show a certificate that this host trusts
};

struct HttpReply {
  int status = 0;
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers = {}; // names in lower case; 64 KiB of them at most

  // The first value; empty without one.
  std::string_view header(std::string_view name) const;
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
