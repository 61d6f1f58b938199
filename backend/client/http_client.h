// HttpClient: one HTTP request out, over libcurl. For webhooks, health checks, keys of token issuers.
// Threads: safe.
// Spec: RFC 9110; docs/decisions/0024 (libcurl is loaded when it is first needed).
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace berth::client {

struct HttpRequest {
  std::string method = "GET"; // GET, HEAD, POST
  std::string url;            // http or https
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::string body = {};                   // of a POST
  std::chrono::milliseconds timeout{5000}; // of all of it
  std::size_t max_reply_bytes = 0;         // of the body; what is longer is an error. 0: the body is not wanted
  bool https_only = false;                 // another scheme is refused, also after a redirect
  unsigned max_redirects = 0;              // to the same host only
};

struct HttpReply {
  int status = 0;
  std::string body;
};

// Any status is a reply. Errors: io if no reply came, with libcurl's text and without the URL's secrets; size_invalid
// for a reply that is too long.
Result<HttpReply> perform(const HttpRequest& request);

} // namespace berth::client
