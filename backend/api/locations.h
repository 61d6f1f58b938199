// Locations: the URLs that replies hand out, as the client must write them to come back: through whatever proxies stand
// before nginx, and below http.prefix.
// Spec: docker/distribution's URL builder: http.host; else Forwarded; else X-Forwarded-Proto and -Host; else the
// authority of the target, or Host.
#pragma once

#include <string>
#include <string_view>

#include "api/options.h"
#include "http/message.h"

namespace berth::api {

// Threads: belongs to one request. Borrows: both.
class Locations {
public:
  Locations(const Options& options, const http::Request& request) : options_(options), request_(request) {}

  // path is what follows http.prefix, encoded, without a leading slash: "v2/team/app/blobs/sha256:…".
  std::string absolute(std::string_view path) const;
  // The same without scheme and host: for Link and redirects.
  std::string relative(std::string_view path) const;

  // scheme://host[:port] of the registry; empty if the client named no host.
  std::string origin() const;

private:
  const Options& options_;
  const http::Request& request_;
};

} // namespace berth::api
