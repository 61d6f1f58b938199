#include "app/nginx_options.h"

#include <algorithm>
#include <fstream>
#include <sstream>

#include "app/nginx_text.h"

namespace berth::app {
namespace {

std::string client_certificate_lines(const config::Config::Http& http) {
  using enum config::ClientAuth;
  if (http.client_cas.empty()) return {};
  const bool verifies = http.client_auth == verify_if_given || http.client_auth == require_and_verify;
  std::string lines = line("ssl_client_certificate", "generated/client_cas.pem") + line("ssl_verify_depth", "10") +
                      line("ssl_verify_client", http.client_auth == require_and_verify ? "on"
                                                : verifies                             ? "optional"
                                                                                       : "optional_no_ca");
  if (http.client_auth == require_any) lines += "if ($ssl_client_verify = NONE) { return 496; }\n";
  return lines;
}

std::string cipher_line(const std::vector<std::string>& ciphers) {
  std::string names;
  for (const std::string& cipher : ciphers) names += (names.empty() ? "" : ":") + cipher;
  return names.empty() ? std::string() : line("ssl_ciphers", names);
}

// The certificates of all files in one, as nginx wants them. A file that cannot be read leaves nginx to complain.
std::string all_of(const std::vector<std::string>& files) {
  std::stringstream all;
  for (const std::string& path : files)
    if (const std::ifstream file(path); file) all << file.rdbuf() << "\n";
  return std::move(all).str();
}

} // namespace

std::string tls_options(const config::Config& config) {
  const config::Config::Http& http = config.http;
  return (http.minimum_tls == config::MinimumTls::v1_3 ? line("ssl_protocols", "TLSv1.3") : std::string()) +
         cipher_line(http.ciphers) + client_certificate_lines(http);
}

std::map<std::string, std::string> nginx_options(const config::Config& config) {
  std::map<std::string, std::string> fragments;
  if (!config.http.client_cas.empty()) fragments["client_cas.pem"] = all_of(config.http.client_cas);
  return fragments;
}

} // namespace berth::app
