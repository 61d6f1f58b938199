#include "app/nginx_options.h"

#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "app/nginx_text.h"
#include "config/address.h"

namespace berth::app {
namespace {

// Written together, and no later than a second after the request: a write a request is what a line would cost.
constexpr const char* access_log = "/dev/stdout berth buffer=32k flush=1s";

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

// A text within a quoted word of nginx, as JSON has it. Quoted twice: for JSON, then for nginx.
std::string json_in_word(const std::string& text) {
  const std::string json = nlohmann::json(text).dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
  const std::string word = nginx_word(json);
  return word.substr(1, word.size() - 2);
}

// The line of a request, in the form of the log's other lines; text is the combined form of web servers, and more.
std::string access_log_lines(const config::Log& log) {
  if (log.access_disabled) return line("access_log", "off");
  if (log.format == config::LogFormat::text) {
    std::string fields;
    for (const auto& [name, value] : log.fields) {
      const std::string word = nginx_word(name + "=" + nlohmann::json(value).dump(-1, ' ', true));
      fields += " " + word.substr(1, word.size() - 2);
    }
    return "log_format berth '$remote_addr - $remote_user [$time_local] \"$request_method $berth_logged_uri "
           "$server_protocol\" $status $body_bytes_sent \"$http_referer\" \"$http_user_agent\" request=$request_id "
           "repository=$berth_repository digest=$berth_digest received=$request_length seconds=$request_time "
           "pool_seconds=$upstream_response_time' " +
           (fields.empty() ? "" : "\"" + fields + "\"") + ";\n" + line("access_log", access_log);
  }
  const bool logstash = log.format == config::LogFormat::logstash;
  std::string fields = logstash
                           ? R"('{"@timestamp":"$time_iso8601","@version":"1","level":"info","message":"request",')"
                           : R"('{"time":"$time_iso8601","level":"info","msg":"request",')";
  constexpr std::array<std::pair<std::string_view, std::string_view>, 13> known{
      {{"request", "$request_id"},
       {"client", "$remote_addr"},
       {"user", "$remote_user"},
       {"method", "$request_method"},
       {"uri", "$berth_logged_uri"},
       {"protocol", "$server_protocol"},
       {"status", "$status"},
       {"repository", "$berth_repository"},
       {"digest", "$berth_digest"},
       {"referer", "$http_referer"},
       {"useragent", "$http_user_agent"},
       {"host", "$http_host"},
       {"pool_seconds", "$upstream_response_time"}}};
  for (const auto& [name, variable] : known)
    fields.append("\n    '\"").append(name).append("\":\"").append(variable).append("\",'");
  fields += "\n    '\"sent\":$body_bytes_sent,\"received\":$request_length,\"seconds\":$request_time'";
  for (const auto& [name, value] : log.fields)
    fields += "\n    \"," + json_in_word(name) + ":" + json_in_word(value) + "\"";
  return "log_format berth escape=json " + fields + "\n    '}';\n" + line("access_log", access_log);
}

// "localhost" is not left to the resolver, which may name an address that is not here.
std::string debug_listen_lines(const std::string& addr) {
  config::ListenAddress address = config::parse_listen_address(addr).value();
  if (address.host == "localhost") address.host = "127.0.0.1";
  return listen_lines(address);
}

// Whom a limit counts as one: an address, or a /64 of IPv6. Nobody who is exempt, and nobody on a unix socket (which
// geo takes for 255.255.255.255).
std::string limit_lines(const config::Config::Limits& limits) {
  std::string networks = "  255.255.255.255 1;\n";
  for (const std::string& network : limits.exempt) networks += "  " + line(network, "1");
  return "geo $berth_exempt {\n  default \"\";\n" + networks + "}\n" + R"(map $binary_remote_addr $berth_network {
  default $binary_remote_addr;
  "~(?s)^(?<berth_first_half>.{8}).{8}$" $berth_first_half;
}
map $berth_exempt $berth_limited {
  default "";
  "" $berth_network;
}
limit_conn_zone $berth_limited zone=berth_uploads:4m;
)";
}

} // namespace

std::string tls_options(const config::Config& config) {
  const config::Config::Http& http = config.http;
  return (http.minimum_tls == config::MinimumTls::v1_3 ? line("ssl_protocols", "TLSv1.3") : std::string()) +
         cipher_line(http.ciphers) + client_certificate_lines(http);
}

std::map<std::string, std::string> nginx_options(const config::Config& config) {
  std::map<std::string, std::string> fragments = {{"log.conf", access_log_lines(config.log)}};
  const unsigned uploads = config.berth.limits.uploads;
  fragments["limits.conf"] = limit_lines(config.berth.limits);
  fragments["upload_limit.conf"] =
      uploads == 0 ? std::string()
                   : line("limit_conn berth_uploads", std::to_string(uploads)) + line("limit_conn_status", "429");
  const bool debug = !config.http.debug.addr.empty();
  fragments["debug.conf"] = debug ? line("include", "conf.d/debug.conf") : std::string();
  if (debug) fragments["debug_listen.conf"] = debug_listen_lines(config.http.debug.addr);
  return fragments;
}

} // namespace berth::app
