#include "app/nginx/tree.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <vector>

#include "app/logger.h"
#include "app/nginx/options.h"
#include "app/nginx/text.h"
#include "app/pool/pull_gate.h"
#include "app/pool/rules.h"
#include "app/supervisor/account.h"
#include "app/supervisor/process.h"
#include "base/content.h"
#include "base/unique_fd.h"
#include "config/address.h"

namespace berth::app {
namespace {

namespace fs = std::filesystem;

// Idle connections to the pool that a worker of nginx keeps. Their number is bounded by the pool too.
constexpr int kept_connections = 64;
// How often a request is put to a pool at most: fastcgi_next_upstream_tries of snippets/location/ask_again.conf.
constexpr int tries = 2;
// Then a connection is made anew, so that pools that share a socket share the load, late comers included.
constexpr const char* requests_a_connection = "1000";

std::string public_listen_lines(const config::Config& config, const NginxSettings& settings) {
  const bool tls = !config.http.tls_certificate.empty();
  std::string options = tls ? " ssl" : "";
  if (tls && !config.http.http2_disabled && !settings.has_http2_directive) options += " http2";
  if (!settings.test_listen.empty()) return line("listen", settings.test_listen + options);
  std::string lines;
  for (const std::string& address : settings.listen) lines += line("listen", address + options);
  return !lines.empty() ? lines : listen_lines(config::parse_listen_address(config.http.addr).value(), options);
}

std::string tls_lines(const config::Config& config, const NginxSettings& settings) {
  if (config.http.tls_certificate.empty()) return {};
  return (settings.has_http2_directive ? line("http2", config.http.http2_disabled ? "off" : "on") : std::string()) +
         line("ssl_certificate",
              nginx_word(settings.certificate.empty() ? config.http.tls_certificate : settings.certificate)) +
         line("ssl_certificate_key", nginx_word(settings.key.empty() ? config.http.tls_key : settings.key)) +
         tls_options(config);
}

std::string header_lines(const config::Config& config) {
  std::string lines;
  for (const auto& [name, values] : config.http.headers)
    for (const std::string& value : values)
      lines += line("add_header " + nginx_word(name), nginx_word(value) + " always");
  return lines;
}

// Named more than once, so that nginx has somewhere to ask again where snippets/location/ask_again.conf lets it: behind
// one socket there may be many pools. Failures are not counted, as there is no other place to go.
std::string upstream(const std::string& name, const std::string& socket, int times, const std::string& more = {}) {
  const std::string server = "    " + line("server", nginx_word("unix:" + socket) + " max_fails=0");
  std::string servers;
  for (int i = 0; i < times; ++i) servers += server;
  return "upstream " + name + " {\n" + servers + more + "}\n";
}

// The pool is there twice: on kept connections for requests that nginx may send again, and with a connection a request
// for those that it may not, as the pool may close a kept connection while a request uses it. nginx does not count that
// as an attempt, but it uses no name twice for one request. So there are as many names as a worker keeps connections,
// as a pool that ends may close all of them, and then those of the tries.
std::string upstreams(const std::string& socket, const std::string& v1_socket) {
  const std::string kept = "    " + line("keepalive", std::to_string(kept_connections)) + "    " +
                           line("keepalive_requests", requests_a_connection);
  return upstream("berth_pool", socket, tries) + upstream("berth_pool_kept", socket, kept_connections + tries, kept) +
         upstream("berth_pool_v1", v1_socket.empty() ? socket : v1_socket, tries);
}

// The server that answers for the v1 API.
std::string v1_lines(const config::Config& config) {
  const std::string snippets = "snippets/location/";
  if (!config.berth.v1_upstream.empty())
    return line("proxy_pass", nginx_word(config.berth.v1_upstream)) + line("include", snippets + "v1_registry.conf");
  return line("include", snippets + "v1_pool.conf") + line("include", snippets + "body_small.conf");
}

// A layer that is larger than it may become is refused before it is spooled; gzip adds little to what it cannot pack.
std::string layer_size_line(const config::Config& config) {
  if (!config.berth.v1_upstream.empty()) return {};
  const std::uint64_t bytes = config.berth.v1_max_layer_bytes;
  return line("client_max_body_size", std::to_string(bytes + bytes / 100 + (1 << 20)));
}

bool checks_health(const config::Health& health) {
  return health.storage.enabled || !health.files.empty() || !health.https.empty() || !health.tcps.empty();
}

// Whether who may pull is for nginx to see by the pool's files: where tokens are shown.
bool pulls_need_tokens(const config::Config& config) {
  return config.berth.access.given || config.auth.kind == config::Auth::Kind::token;
}

// Whether the pool must see every pull, though nginx could make it alone: to decide, to tell of it, to count it.
bool pool_sees_pulls(const config::Config& config, bool has_gate) {
  const auto is_told = [](const config::NotificationEndpoint& endpoint) { return !endpoint.disabled; };
  const bool decides = config.auth.kind != config::Auth::Kind::none || config.berth.access.given;
  const bool looks = !config.http.debug.addr.empty() || checks_health(config.health);
  return config.storage.is_in_bucket() || std::ranges::any_of(config.notifications.endpoints, is_told) ||
         config.http.prefix != "/" || (decides && !pulls_need_tokens(config)) || (!has_gate && (decides || looks));
}

// Whether a rule lets everybody pull everything: then nothing has to be found out of who shows no credentials.
bool anyone_pulls_all(const config::AccessRules& access) {
  const auto rules = rules_of(access);
  return rules && rules->let_anyone_pull_all();
}

// What must be there for a pull that nginx makes by itself, by the pool's word (app/pool/pull_gate.h).
std::string pull_gate_lines(const config::Config& config, const NginxSettings& settings) {
  const bool needs_tokens = pulls_need_tokens(config);
  if (settings.pull_gate.empty()) return {};
  if (!needs_tokens && config.http.debug.addr.empty() && !checks_health(config.health)) return {};
  std::string open = nginx_word(settings.pull_gate + "/" + PullGate::open_name + "/");
  open.pop_back(); // the quote
  const std::string well = line("set $berth_gate", open + PullGate::well_name + "\"");
  const std::string for_nobody =
      "if ($berth_token_tail = " + std::string(PullGate::nobody) + ") {\n    " + well + "}\n";
  return (needs_tokens ? line("include", "snippets/location/pull_token.conf") +
                             line("set $berth_gate", open + "$berth_bucket/$berth_name/.$berth_token_tail\"") +
                             (anyone_pulls_all(config.berth.access) ? for_nobody : std::string())
                       : well) +
         line("include", "snippets/location/pull_gate.conf");
}

// What becomes of a pull in conf.d/registry.conf's location for blobs, whose name says $berth_name, _hex and _shard.
std::string pull_lines(const config::Config& config, const NginxSettings& settings) {
  const auto include = [](const char* name) { return line("include", std::string("snippets/location/") + name); };
  if (pool_sees_pulls(config, !settings.pull_gate.empty()))
    return include("kept_pool.conf") + include("body_small.conf");
  std::string root = nginx_word(config.storage.root + "/docker/registry/v2");
  root.pop_back(); // the quote
  return line("set $berth_link", root + "/repositories/$berth_name/_layers/sha256/$berth_hex/link\"") +
         line("set $berth_blob", root + "/blobs/sha256/$berth_shard/$berth_hex\"") +
         line("alias", root + "/blobs/sha256/$berth_shard/$berth_hex/data\"") + include("pull.conf") +
         (config.http.debug.counts() ? pull_log_lines(config) : std::string());
}

// As `url`, for compose/entrypoint, which has no config.yml to read: "2.000"
std::string seconds_of(config::Duration time) {
  const auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(time).count();
  const std::string rest = std::to_string(1000 + milliseconds % 1000);
  return std::to_string(milliseconds / 1000) + "." + rest.substr(1) + "\n";
}

// "nginx version: nginx/1.22.1"
bool is_at_least_1_25_1(const std::string& output) {
  int major = 0, minor = 0, patch = 0;
  const std::size_t at = output.find("nginx/");
  if (at == std::string::npos || std::sscanf(output.c_str() + at, "nginx/%d.%d.%d", &major, &minor, &patch) != 3)
    return false;
  return std::array{major, minor, patch} >= std::array{1, 25, 1};
}

Result<std::string> find_binary(const std::string& configured) {
  if (!configured.empty()) {
    if (::access(configured.c_str(), X_OK) == 0) return configured;
    return fail(Code::invalid, "berth.nginx.binary: \"" + configured + "\": not an executable file");
  }
  const char* path = std::getenv("PATH");
  std::string places = std::string(path != nullptr ? path : "") + ":/usr/sbin:/usr/local/sbin:/usr/bin";
  for (std::size_t at = 0; at != std::string::npos;) {
    const std::size_t colon = places.find(':', at);
    std::string candidate = places.substr(at, colon == std::string::npos ? colon : colon - at) + "/nginx";
    if (candidate.front() == '/' && ::access(candidate.c_str(), X_OK) == 0) return candidate;
    at = colon == std::string::npos ? colon : colon + 1;
  }
  return fail(Code::invalid, "nginx is not installed: not found in " + places + " (or name it in berth.nginx.binary)");
}

Result<std::string> find_static_files(const std::string& configured) {
  std::error_code ignored;
  const fs::path beside = fs::read_symlink("/proc/self/exe", ignored).parent_path();
  std::string looked_in;
  for (const fs::path& place : configured.empty() ? std::vector{beside / "../nginx", beside / "../share/berth/nginx"}
                                                  : std::vector{fs::path(configured)}) {
    if (fs::is_regular_file(place / "nginx.conf", ignored)) return fs::weakly_canonical(place).string();
    looked_in += (looked_in.empty() ? "" : ", ") + place.lexically_normal().string();
  }
  return fail(Code::invalid,
              "berth's nginx files are not in " + looked_in + " (name their place in berth.nginx.directory)");
}

Result<> write_file(const std::string& path, const std::string& text) {
  const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644));
  if (!file) return std::unexpected(errno_error("open", path, errno));
  return write_all(file.get(), text, path);
}

} // namespace

Result<NginxSettings> find_nginx(const config::Config& config) {
  BERTH_TRY(std::string binary, find_binary(config.berth.nginx_binary));
  BERTH_TRY(std::string static_files, find_static_files(config.berth.nginx_directory));
  BERTH_TRY(const Output version, output_of([&] {
              const auto dropped = drop_root();
              return dropped ? execute({binary, "-v"}, "/") : exit_cannot_execute;
            }));
  if (version.status != 0)
    return fail(Code::invalid, binary + " -v " + describe_status(version.status) + ": " + version.text);
  const bool newer = is_at_least_1_25_1(version.text);
  return NginxSettings{std::move(binary), std::move(static_files), newer, {}, config.berth.socket};
}

std::map<std::string, std::string> nginx_fragments(const config::Config& config, const NginxSettings& settings) {
  const bool v1_pool = config.berth.v1_upstream.empty();
  std::map<std::string, std::string> fragments = {
      {"main.conf", settings.user.empty() ? std::string() : line("user", settings.user)},
      {"listen.conf", public_listen_lines(config, settings)},
      {"tls.conf", tls_lines(config, settings)},
      {"health.conf", settings.answers_health ? line("include", "conf.d/health.conf") : std::string()},
      {"health_listen.conf", line("listen", settings.test_listen.empty() ? std::string("unix:") + health_socket
                                                                         : settings.test_listen + "-health")},
      {"spool.conf", line("client_body_temp_path", nginx_word(config.berth.spool))},
      {"upstream.conf", upstreams(settings.socket, config.berth.v1_socket)},
      {"v1.conf", v1_lines(config)},
      {"v1_asks.conf", line("\"~^(/(?!v2/)[^/]+)*/(v1(/|$)|_ping$)\"", v1_pool ? "/_berth/v1/before_body" : "\"\"")},
      {"v1_bodies.conf", v1_pool ? line("include", "snippets/server/v1_bodies.conf") : std::string()},
      {"v1_layer.conf", layer_size_line(config)},
      {"store.conf", line("alias", nginx_word(config.storage.root + "/"))},
      {"pulls.conf", pull_lines(config, settings)},
      {"pull_gate.conf", pull_gate_lines(config, settings)},
      {"headers.conf", header_lines(config)},
      {"url", url_of(config) + "\n"},
      {"reload_drain", seconds_of(config.berth.nginx_reload_drain)},
  };
  fragments.merge(nginx_options(config));
  // Why TLS connections fail, nginx says at this level. Without our relay nobody would pick that out.
  if (!settings.pull_gate.empty()) fragments["log.conf"] += line("error_log", "stderr info");
  if (!settings.test_listen.empty() && fragments.contains("debug_listen.conf"))
    fragments["debug_listen.conf"] = line("listen", settings.test_listen + "-debug");
  if (!config.http.client_cas.empty()) fragments["client_cas.pem"] = settings.client_cas;
  for (auto& [name, text] : fragments) text.insert(0, "# Made by berth from config.yml; do not edit.\n");
  return fragments;
}

Result<> write_nginx_tree(const std::string& directory, const config::Config& config, const NginxSettings& settings) {
  std::error_code error;
  if (fs::exists(directory, error) && !fs::is_empty(directory, error) &&
      !fs::exists(directory + "/generated/listen.conf", error))
    return fail(Code::invalid, directory + ": holds something else than nginx files of berth; name an empty directory");
  fs::remove_all(directory, error);
  fs::create_directories(directory + "/generated", error);
  if (!error)
    fs::copy(settings.static_files, directory, fs::copy_options::recursive | fs::copy_options::overwrite_existing,
             error);
  if (error) return std::unexpected(errno_error("copy " + settings.static_files + " to", directory, error.value()));
  for (const auto& [name, text] : nginx_fragments(config, settings))
    BERTH_CHECK(write_file(directory + "/generated/" + name, text));
  return {};
}

} // namespace berth::app
