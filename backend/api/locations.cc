#include "api/locations.h"

#include "http/headers.h"
#include "http/url.h"

namespace berth::api {
namespace {

struct Origin {
  std::string scheme;
  std::string host;
};

std::string_view first_of(std::string_view list) {
  const auto elements = http::split_list(list);
  return elements.empty() ? std::string_view() : elements.front();
}

// Headers are the client's to choose: what is neither a scheme nor a host does not get into a URL.
void take_scheme(std::string_view scheme, Origin& origin) {
  if (const std::string lower = http::to_lower(scheme); lower == "http" || lower == "https") origin.scheme = lower;
}
void take_host(std::string_view host, Origin& origin) {
  if (http::is_authority(host)) origin.host = host;
}

// How the client reached the outermost proxy.
Origin origin_of(const http::Request& request) {
  Origin origin{"http", {}};
  take_scheme(request.scheme, origin);
  take_host(request.headers.get("Host"), origin);
  if (const std::string_view value = request.headers.get("Forwarded"); !value.empty()) {
    const http::Forwarded forwarded = http::parse_forwarded(value);
    take_scheme(forwarded.proto, origin);
    take_host(forwarded.host, origin);
  } else {
    take_scheme(first_of(request.headers.get("X-Forwarded-Proto")), origin);
    take_host(first_of(request.headers.get("X-Forwarded-Host")), origin);
  }
  return origin;
}

std::string base_of(const Options& options, const http::Request& request) {
  if (!options.host.empty()) return options.host.ends_with('/') ? options.host : options.host + "/";
  std::string prefix = http::encode_path(options.prefix);
  if (options.relative_urls) return prefix;
  const Origin origin = origin_of(request);
  if (origin.host.empty()) return prefix; // an HTTP/1.0 client that named no host
  return origin.scheme + "://" + origin.host + prefix;
}

} // namespace

std::string Locations::origin() const {
  if (!options_.host.empty()) return options_.host.substr(0, options_.host.find('/', options_.host.find("://") + 3));
  const Origin origin = origin_of(request_);
  return origin.host.empty() ? "" : origin.scheme + "://" + origin.host;
}

std::string Locations::relative(std::string_view path) const { return http::encode_path(options_.prefix).append(path); }

std::string Locations::absolute(std::string_view path) const { return base_of(options_, request_).append(path); }

} // namespace berth::api
