#include "app/nginx_tree.h"

#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>

#include "app/nginx_options.h"
#include "app/nginx_text.h"
#include "config/address.h"

namespace berth::app {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t max_output_bytes = 16 * 1024;

std::string listen_lines(const config::Config& config, const NginxSettings& settings) {
  const config::ListenAddress address = config::parse_listen_address(config.http.addr).value();
  const std::string port = std::to_string(address.port);
  const bool tls = !config.http.tls_certificate.empty();
  std::string options = tls ? " ssl" : "";
  if (tls && !config.http.http2_disabled && !settings.has_http2_directive) options += " http2";

  if (!address.host.empty()) {
    const bool v6 = address.host.find(':') != std::string::npos;
    return line("listen", (v6 ? "[" + address.host + "]" : address.host) + ":" + port + options);
  }
  std::string lines = line("listen", port + options);
  if (fs::exists("/proc/net/if_inet6")) lines += line("listen", "[::]:" + port + options);
  return lines;
}

std::string tls_lines(const config::Config& config, const NginxSettings& settings) {
  if (config.http.tls_certificate.empty()) return {};
  return (settings.has_http2_directive ? line("http2", config.http.http2_disabled ? "off" : "on") : std::string()) +
         line("ssl_certificate", nginx_word(config.http.tls_certificate)) +
         line("ssl_certificate_key", nginx_word(config.http.tls_key)) + tls_options(config);
}

std::string header_lines(const config::Config& config) {
  std::string lines;
  for (const auto& [name, values] : config.http.headers)
    for (const std::string& value : values)
      lines += line("add_header " + nginx_word(name), nginx_word(value) + " always");
  return lines;
}

std::string output_of(const std::string& command) {
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen(command.c_str(), "re"), ::pclose);
  std::string output;
  std::array<char, 512> buffer;
  while (pipe && output.size() < max_output_bytes && std::fgets(buffer.data(), buffer.size(), pipe.get()))
    output += buffer.data();
  return output;
}

// A word for the shell.
std::string shell_word(const std::string& text) {
  std::string word = "'";
  for (const char c : text) word += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return word + "'";
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
    const std::string candidate = places.substr(at, colon == std::string::npos ? colon : colon - at) + "/nginx";
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

Result<> write_file(const fs::path& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << text;
  file.close();
  if (!file) return fail(Code::io, "cannot write " + path.string());
  return {};
}

} // namespace

Result<NginxSettings> find_nginx(const config::Config& config) {
  BERTH_TRY(std::string binary, find_binary(config.berth.nginx_binary));
  BERTH_TRY(std::string static_files, find_static_files(config.berth.nginx_directory));
  const bool newer = is_at_least_1_25_1(output_of(shell_word(binary) + " -v 2>&1"));
  return NginxSettings{std::move(binary), std::move(static_files), newer, {}, config.berth.socket};
}

std::map<std::string, std::string> nginx_fragments(const config::Config& config, const NginxSettings& settings) {
  std::map<std::string, std::string> fragments = {
      {"main.conf", settings.user.empty() ? std::string() : line("user", settings.user)},
      {"listen.conf", listen_lines(config, settings)},
      {"tls.conf", tls_lines(config, settings)},
      {"spool.conf", line("client_body_temp_path", nginx_word(config.berth.spool))},
      {"upstream.conf", "upstream berth_pool {\n    " + line("server", nginx_word("unix:" + settings.socket)) + "}\n"},
      {"store.conf", line("alias", nginx_word(config.storage.root + "/"))},
      {"headers.conf", header_lines(config)},
  };
  fragments.merge(nginx_options(config));
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
  if (error)
    return fail(Code::io, "cannot copy " + settings.static_files + " to " + directory + ": " + error.message());
  for (const auto& [name, text] : nginx_fragments(config, settings))
    BERTH_CHECK(write_file(fs::path(directory) / "generated" / name, text));
  return {};
}

Result<> test_nginx_tree(const std::string& directory, const config::Config& config, const NginxSettings& settings) {
  const std::string output =
      output_of(shell_word(settings.binary) + " -t -q -e stderr -p " + shell_word(config.berth.run_directory + "/") +
                " -c " + shell_word(directory + "/nginx.conf") + " 2>&1 || echo '[failed]'");
  if (output.find("[failed]") == std::string::npos) return {};
  return fail(Code::invalid, "nginx refuses its configuration: " + output.substr(0, output.rfind("[failed]")));
}

} // namespace berth::app
