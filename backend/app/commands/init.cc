#include "app/commands/init.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "app/commands/commands.h"
#include "app/commands/complain.h"
#include "app/commands/passwd.h"
#include "app/commands/private_ca.h"
#include "base/content.h"
#include "base/small_file.h"
#include "base/unique_fd.h"
#include "config/address.h"

namespace berth::app {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t max_pem_bytes = 1 << 20;
constexpr mode_t for_everybody = 0644, for_owner = 0600;

// What there is in the directory. The CA's key is where no container has to look.
struct Paths {
  explicit Paths(const std::string& directory) : top(directory) {}
  std::string config() const { return top + "/config.yml"; }
  std::string data() const { return top + "/data"; }
  std::string users() const { return top + "/users"; }
  std::string certificate() const { return top + "/certs/registry.crt"; }
  std::string key() const { return top + "/certs/registry.key"; }
  std::string ca() const { return top + "/certs/ca.crt"; }
  std::string ca_key() const { return top + "/ca/ca.key"; }
  std::string top;
};

// As YAML takes it, whatever is in it.
std::string quoted(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

// As a shell takes it, to be copied.
std::string shell_word(const std::string& text) {
  if (text.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-:@[]") ==
      std::string::npos)
    return text;
  std::string word = "'";
  for (const char c : text) c == '\'' ? word += "'\\''" : word += c;
  return word + "'";
}

std::string config_text(const Paths& paths, const InitOptions& options) {
  std::string text = "# A registry, made by `berth init`. `berth check-config` checks a change, SIGHUP brings it into "
                     "force.\n# These are the keys that matter first; docs/configuration.md has all of them, as has "
                     "`berth config-keys`.\nversion: 0.1\n\n"
                     "log:\n  level: info               # error, warn, info, debug\n\n"
                     "storage:\n  filesystem:\n    rootdirectory: " +
                     quoted(paths.data()) +
                     "\n  delete:\n    enabled: false          # true: clients may delete tags and images\n"
                     "  cache:\n    blobdescriptor: inmemory\n\n";
  if (options.user.empty())
    text += "# Everybody may pull and push. With users: `berth passwd " + paths.users() +
            " NAME`, and\n# auth:\n#   htpasswd: {realm: Registry, path: " + quoted(paths.users()) +
            "}\n# Who may do what with which repository: berth.access, docs/access.md.\n\n";
  else
    text += "auth:                       # more users: `berth passwd " + paths.users() +
            " NAME`; who may do what: docs/access.md\n  htpasswd:\n    realm: Registry\n    path: " +
            quoted(paths.users()) + "\n\n";
  text += "http:\n  addr: " + quoted(options.address) + "             # [host]:port; no host: every address\n";
  if (!options.plain_http)
    text += "  tls:                      # `berth init --renew` makes a new certificate; replaced files need a SIGHUP\n"
            "    certificate: " +
            quoted(paths.certificate()) + "\n    key: " + quoted(paths.key()) + "\n";
  return text + "  # debug:                  # health and metrics, without access control: keep it private\n"
                "  #   addr: 127.0.0.1:5001\n  #   prometheus: {enabled: true}\n";
}

Result<> make_directory(const std::string& path, mode_t mode) {
  std::error_code error;
  fs::create_directories(fs::path(path).parent_path(), error);
  if (::mkdir(path.c_str(), mode) == 0 || errno == EEXIST) return {};
  return std::unexpected(errno_error("mkdir", path, errno));
}

Result<> write_new(const std::string& path, const std::string& text, mode_t mode) {
  const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode));
  if (!file) return std::unexpected(errno_error("open", path, errno));
  return write_all(file.get(), text, path);
}

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 && is_host(name.data()) ? name.data() : "localhost";
}

std::vector<std::string> default_hosts() {
  std::vector<std::string> hosts{"localhost", "127.0.0.1", "::1"};
  if (const std::string name = host_name(); name != "localhost") hosts.insert(hosts.begin(), name);
  return hosts;
}

Result<> check(const Paths& paths, const InitOptions& options) {
  for (const std::string& host : options.hosts)
    if (!is_host(host)) return fail(Code::invalid, "--host \"" + host + "\": a host's name or an address, no port");
  if (!config::parse_listen_address(options.address))
    return fail(Code::invalid, "--addr \"" + options.address + "\": [host]:port, as in :5000");
  if (options.plain_http && !options.hosts.empty())
    return fail(Code::invalid, "--host is what a certificate is for: not with --http");
  if (options.renew && (options.plain_http || !options.user.empty()))
    return fail(Code::invalid, "--renew makes a certificate, and nothing else");
  if (options.renew) return {};
  std::string there;
  struct stat info{};
  for (const std::string& path :
       {paths.config(), paths.certificate(), paths.key(), paths.ca(), paths.ca_key(), paths.users()})
    if (::lstat(path.c_str(), &info) == 0) there += (there.empty() ? "" : ", ") + path;
  if (there.empty()) return {};
  return fail(Code::exists, "not overwritten, and nothing is made: " + there +
                                " (another directory, or `berth init --renew` for a new certificate alone)");
}

Result<> make_certificates(const Paths& paths, const std::vector<std::string>& hosts) {
  const Time now = SystemClock().now();
  BERTH_TRY(const PemPair ca, make_ca(hosts.front(), now));
  BERTH_TRY(const PemPair pair, make_certificate(ca, hosts, now));
  BERTH_CHECK(make_directory(paths.top + "/certs", 0755));
  BERTH_CHECK(make_directory(paths.top + "/ca", 0700));
  BERTH_CHECK(write_new(paths.ca_key(), ca.key, for_owner));
  BERTH_CHECK(write_new(paths.ca(), ca.certificate, for_everybody));
  BERTH_CHECK(write_new(paths.key(), pair.key, for_owner));
  return write_new(paths.certificate(), pair.certificate, for_everybody);
}

Result<> renew(const Paths& paths, std::vector<std::string> hosts) {
  const auto read = [](const std::string& path) -> Result<std::string> {
    auto text = read_small_file(path, max_pem_bytes);
    if (text) return text;
    return fail(Code::invalid, path + ": " + text.error().message + "; --renew needs the CA that `berth init` made");
  };
  PemPair ca;
  BERTH_TRY(ca.certificate, read(paths.ca()));
  BERTH_TRY(ca.key, read(paths.ca_key()));
  if (hosts.empty()) {
    BERTH_TRY(const std::string old, read(paths.certificate()));
    auto named = hosts_of(old);
    if (!named) return fail(Code::invalid, paths.certificate() + ": " + named.error().message + "; give --host");
    hosts = *std::move(named);
  }
  BERTH_TRY(const PemPair pair, make_certificate(ca, hosts, SystemClock().now()));
  BERTH_CHECK(replace_small_file(paths.key(), pair.key));
  BERTH_CHECK(replace_small_file(paths.certificate(), pair.certificate));
  std::printf("%s: a new certificate, for 825 days.\nSIGHUP lets a running berth serve it: kill -HUP its pid, which "
              "`berth status %s` says\n",
              paths.certificate().c_str(), shell_word(paths.config()).c_str());
  return {};
}

// The first person's path through the registry.
void say_what_is_next(const Paths& paths, const InitOptions& options) {
  const auto address = config::parse_listen_address(options.address).value();
  const std::string port = std::to_string(address.port);
  const std::string host = (options.hosts.empty() ? "localhost" : options.hosts.front()) + ":" + port;
  std::printf("%s is made; the data will be in %s. Next:\n\n  berth up %s\n", paths.config().c_str(),
              paths.data().c_str(), shell_word(paths.config()).c_str());
  const std::string trust = "/etc/docker/certs.d/" + host;
  if (options.plain_http)
    std::printf("  curl http://%s/v2/\n", host.c_str());
  else
    std::printf("  sudo mkdir -p %s && sudo cp %s %s/ca.crt\n", trust.c_str(), shell_word(paths.ca()).c_str(),
                trust.c_str());
  if (!options.user.empty())
    std::printf("  docker login -u %s %s\n", options.user.c_str(), host.c_str());
  else
    std::printf("  docker tag IMAGE %s/IMAGE && docker push %s/IMAGE\n", host.c_str(), host.c_str());
  if (options.plain_http) std::puts("\nWithout TLS, Docker takes it on this host alone, unless told otherwise.");
}

Result<std::string> real_path(const std::string& directory) {
  std::error_code error;
  const fs::path path = fs::weakly_canonical(fs::absolute(directory, error), error);
  if (error) return fail(Code::invalid, directory + ": " + error.message());
  BERTH_CHECK(make_directory(path.string(), 0755));
  return path.string();
}

} // namespace

int init(const InitOptions& options) {
  const auto top = real_path(options.directory);
  if (!top) return complain(top.error());
  const Paths paths(*top);
  if (const auto good = check(paths, options); !good) return complain(good.error());
  if (options.renew) {
    const auto renewed = renew(paths, options.hosts);
    return renewed ? exit_ok : complain(renewed.error());
  }
  // First, as it may be mistyped.
  if (!options.user.empty())
    if (const int code = passwd(paths.users(), options.user); code != exit_ok) return code;
  if (!options.plain_http) {
    const auto made = make_certificates(paths, options.hosts.empty() ? default_hosts() : options.hosts);
    if (!made) return complain(made.error());
  }
  if (const auto written = write_new(paths.config(), config_text(paths, options), for_everybody); !written)
    return complain(written.error());
  say_what_is_next(paths, options);
  return exit_ok;
}

} // namespace berth::app
