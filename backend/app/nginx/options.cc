#include "app/nginx/options.h"

#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "app/nginx/text.h"
#include "app/supervisor/pull_log.h"
#include "config/address.h"

namespace berth::app {
namespace {

// Written together, and no later than a second after the request: a write a request is what a line would cost.
constexpr const char* access_log = "/dev/stdout berth buffer=32k flush=1s";
// Of lines to be counted. A pipe takes as much as this at once, and lines of two workers do not mix.
constexpr const char* counted_log = " berth_pull buffer=4k flush=1s";

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

// Takes the client's address from the proxy in front of nginx, if config.yml trusts that proxy.
std::string proxy_lines(const std::vector<std::string>& proxies) {
  std::string lines;
  for (const std::string& proxy : proxies) lines += line("set_real_ip_from", proxy);
  return lines.empty() ? lines : lines + line("real_ip_header", "X-Forwarded-For") + line("real_ip_recursive", "on");
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

// A variable that a client fills, as it may stand in JSON: UTF-8, at which `escape=json` does not look. Bytes that are
// none become U+FFFD, those in a row one; what follows after the fourth such place is left out.
std::string utf8_map(const std::string& name, const std::string& variable) {
  constexpr int max_places = 4;
  static const std::string letters =
      R"((?:[\x00-\x7f]++|(?:[\xc2-\xdf][\x80-\xbf])++|\xe0[\xa0-\xbf][\x80-\xbf])"
      R"(|(?:[\xe1-\xec\xee\xef][\x80-\xbf][\x80-\xbf])++|\xed[\x80-\x9f][\x80-\xbf])"
      R"(|\xf0[\x90-\xbf][\x80-\xbf][\x80-\xbf]|[\xf1-\xf3][\x80-\xbf][\x80-\xbf][\x80-\xbf])"
      R"(|\xf4[\x80-\x8f][\x80-\xbf][\x80-\xbf])*+)";
  // The first row that fits is taken: of no such place, of one, of two, …
  std::string rows = line("default", "\uFFFD") + line(R"("")", R"("")"), form = "~^", text;
  for (int places = 0; places <= max_places; ++places) {
    const std::string part = "berth_text" + std::to_string(places);
    form += (places == 0 ? "" : R"([\x80-\xff]++)") + ("(?<" + part + ">" + letters + ")");
    text += (places == 0 ? "$" : "\uFFFD$") + part;
    rows += line('"' + form + (places == max_places ? "" : R"(\z)") + '"', text);
  }
  return "map $" + variable + " $" + name + " {\n" + rows + "}\n";
}

// The line of a request, in the form of the log's other lines; text is the combined form of web servers, and more.
std::string access_log_lines(const config::Config& config) {
  const config::Log& log = config.log;
  const bool behind_proxies = !config.berth.trusted_proxies.empty();
  if (log.access_disabled) return line("access_log", "off");
  if (log.format == config::LogFormat::text) {
    std::string fields;
    for (const auto& [name, value] : log.fields) {
      const std::string word = nginx_word(name + "=" + nlohmann::json(value).dump(-1, ' ', true));
      fields += " " + word.substr(1, word.size() - 2);
    }
    return std::string(
               "log_format berth '$remote_addr - $berth_logged_user [$time_local] \"$request_method "
               "$berth_logged_uri "
               "$server_protocol\" $status $body_bytes_sent \"$http_referer\" \"$http_user_agent\" request=$request_id "
               "repository=$berth_repository digest=$berth_digest received=$request_length seconds=$request_time "
               "pool_seconds=$upstream_response_time") +
           (behind_proxies ? " proxy=$realip_remote_addr' " : "' ") + (fields.empty() ? "" : "\"" + fields + "\"") +
           ";\n" + line("access_log", access_log);
  }
  const bool logstash = log.format == config::LogFormat::logstash;
  std::string fields = logstash
                           ? R"('{"@timestamp":"$time_iso8601","@version":"1","level":"info","message":"request",')"
                           : R"('{"time":"$time_iso8601","level":"info","msg":"request",')";
  constexpr std::array<std::pair<std::string_view, std::string_view>, 13> known{
      {{"request", "$request_id"},
       {"client", "$remote_addr"},
       {"user", "$berth_utf8_user"},
       {"method", "$request_method"},
       {"uri", "$berth_utf8_uri"},
       {"protocol", "$server_protocol"},
       {"status", "$status"},
       {"repository", "$berth_repository"},
       {"digest", "$berth_digest"},
       {"referer", "$berth_utf8_referer"},
       {"useragent", "$berth_utf8_agent"},
       {"host", "$berth_utf8_host"},
       {"pool_seconds", "$upstream_response_time"}}};
  for (const auto& [name, variable] : known)
    fields.append("\n    '\"").append(name).append("\":\"").append(variable).append("\",'");
  if (behind_proxies) fields += "\n    '\"proxy\":\"$realip_remote_addr\",'";
  fields += "\n    '\"sent\":$body_bytes_sent,\"received\":$request_length,\"seconds\":$request_time'";
  for (const auto& [name, value] : log.fields)
    fields += "\n    \"," + json_in_word(name) + ":" + json_in_word(value) + "\"";
  const std::string maps = utf8_map("berth_utf8_user", "berth_verified_user") +
                           utf8_map("berth_utf8_uri", "berth_logged_uri") +
                           utf8_map("berth_utf8_referer", "http_referer") +
                           utf8_map("berth_utf8_agent", "http_user_agent") + utf8_map("berth_utf8_host", "berth_host");
  return maps + "log_format berth escape=json " + fields + "\n    '}';\n" + line("access_log", access_log);
}

// Kilobytes with each request: only for a pool that reads names in it.
std::string client_certificate_line(const config::Config& config) {
  const bool asked = !config.berth.access.certificates.subject.empty() && !config.http.client_cas.empty();
  return asked ? line("fastcgi_param", "BERTH_CLIENT_CERT $berth_client_certificate") : std::string();
}

// "localhost" is not left to the resolver, which may name an address that is not here.
std::string debug_listen_lines(const std::string& addr) {
  config::ListenAddress address = config::parse_listen_address(addr).value();
  if (address.host == "localhost") address.host = "127.0.0.1";
  return listen_lines(address);
}

// A limit counts one address, or one /64 of IPv6, as one client. It counts neither exempt clients nor those on a unix
// socket (which geo takes for 255.255.255.255).
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

std::string pull_log_lines(const config::Config& config) {
  return (config.log.access_disabled ? std::string() : line("access_log", access_log)) +
         line("access_log", std::string(pull_log_path) + counted_log);
}

std::string tls_options(const config::Config& config) {
  const config::Config::Http& http = config.http;
  return (http.minimum_tls == config::MinimumTls::v1_3 ? line("ssl_protocols", "TLSv1.3") : std::string()) +
         cipher_line(http.ciphers) + client_certificate_lines(http);
}

std::map<std::string, std::string> nginx_options(const config::Config& config) {
  std::map<std::string, std::string> fragments = {{"log.conf", access_log_lines(config)}};
  const unsigned uploads = config.berth.limits.uploads;
  fragments["limits.conf"] = limit_lines(config.berth.limits);
  fragments["upload_limit.conf"] =
      uploads == 0 ? std::string()
                   : line("limit_conn berth_uploads", std::to_string(uploads)) + line("limit_conn_status", "429");
  const bool debug = !config.http.debug.addr.empty();
  fragments["proxies.conf"] = proxy_lines(config.berth.trusted_proxies);
  fragments["client_certificate.conf"] = client_certificate_line(config);
  fragments["debug.conf"] = debug ? line("include", "conf.d/debug.conf") : std::string();
  if (debug) fragments["debug_listen.conf"] = debug_listen_lines(config.http.debug.addr);
  return fragments;
}

} // namespace berth::app
