#include "driver/s3/options.h"

namespace berth::driver::s3 {
namespace {

std::string aws_host(const Options& options) {
  const std::string domain = options.region.starts_with("cn-") ? ".amazonaws.com.cn" : ".amazonaws.com";
  const std::string stack = options.dual_stack ? ".dualstack" : "";
  if (options.accelerate) return "s3-accelerate" + stack + domain;
  return (options.fips ? "s3-fips" : "s3") + stack + "." + options.region + domain;
}

// The port that a scheme has anyway is in no Host header.
std::string without_own_port(std::string host, bool secure) {
  const std::string port = secure ? ":443" : ":80";
  if (host.ends_with(port)) host.resize(host.size() - port.size());
  return host;
}

Address address_at(const std::string& endpoint, const Options& options) {
  std::string host = endpoint;
  bool secure = options.secure;
  if (const std::size_t at = host.find("://"); at != std::string::npos) {
    secure = host.starts_with("https");
    host.erase(0, at + 3);
  }
  while (host.ends_with('/')) host.pop_back();
  host = without_own_port(std::move(host), secure);
  // No certificate is good for a bucket with dots before the host.
  const bool in_path = options.path_style || (secure && options.bucket.find('.') != std::string::npos);
  if (!in_path) host.insert(0, options.bucket + ".");
  return {(secure ? "https://" : "http://") + host, host, in_path ? "/" + options.bucket : ""};
}

} // namespace

Address address_of(const Options& options) {
  return address_at(options.endpoint.empty() ? aws_host(options) : options.endpoint, options);
}

Address redirect_address_of(const Options& options) {
  return options.redirect_endpoint.empty() ? address_of(options) : address_at(options.redirect_endpoint, options);
}

} // namespace berth::driver::s3
