// Locations: the URLs that replies hand out, as the client must write them to come back: through whatever proxies stand
// before nginx, and below http.prefix.
// Spec: docker/distribution's URL builder: http.host; else Forwarded; else X-Forwarded-Proto and -Host; else Host.
#pragma once

#include <string>
#include <string_view>

#include "api/options.h"
#include "http/message.h"

namespace berth::api {

class Locations {
public:
  Locations(const Options& options, const http::Request& request);

  // path is what follows http.prefix, encoded, without a leading slash: "v2/team/app/blobs/sha256:…".
  std::string absolute(std::string_view path) const { return base_ + std::string(path); }
  // The same without scheme and host: for Link and redirects.
  std::string relative(std::string_view path) const { return prefix_ + std::string(path); }

private:
  std::string base_;
  std::string prefix_;
};

} // namespace berth::api
