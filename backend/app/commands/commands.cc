#include "app/commands/commands.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>

#include "app/commands/complain.h"
#include "app/commands/environment.h"
#include "app/commands/referrer_index.h"
#include "app/commands/registry_facts.h"
#include "app/logger.h"
#include "app/nginx/certificate.h"
#include "app/nginx/check_nginx.h"
#include "app/nginx/tree.h"
#include "app/pool/access.h"
#include "app/pool/certificate_watch.h"
#include "app/pool/immutable.h"
#include "app/pool/pool.h"
#include "app/pool/purger.h"
#include "app/store_parts.h"
#include "app/supervisor/account.h"
#include "app/supervisor/listen_check.h"
#include "app/supervisor/listen_socket.h"
#include "app/supervisor/places.h"
#include "app/supervisor/shared_socket.h"
#include "app/supervisor/succession.h"
#include "app/supervisor/supervisor.h"
#include "base/clock.h"
#include "base/random.h"
#include "config/config.h"
#include "config/keys.h"

namespace berth::app {
namespace {

// The exit code of a run. Errors are logged: by then there is a log.
int outcome(const Result<>& result, Logger& logger) {
  if (result) return exit_ok;
  logger.error(result.error().message);
  return is(result.error(), Code::invalid) ? exit_usage : exit_failure;
}

// As the user who owns the store: so that what is made in it can be changed by whoever serves it.
Result<> index_as_user(const config::Config& config, Logger& logger, Loudness loudness) {
  BERTH_TRY(const Account account, account_of(config));
  BERTH_CHECK(act_as(account, config));
  BERTH_CHECK(drop_root());
  BERTH_CHECK(prepare_directories(config, account));
  return index_referrers_of(config, logger, loudness);
}

// Serves on the socket that was handed over, or on the one it shares with others of its configuration, as the user who
// owns the store.
Result<> serve_as_user(const config::Config& config, const PoolRole& role, Logger& logger) {
  BERTH_TRY(const Account account, account_of(config));
  BERTH_CHECK(act_as(account, config));
  BERTH_CHECK(drop_root());
  if (::geteuid() == 0) logger.warn(serves_as_root);
  BERTH_CHECK(prepare_directories(config, account));
  const bool own_socket = role.serves == PoolApi::v1 && !config.berth.v1_socket.empty();
  const std::string& path = own_socket ? config.berth.v1_socket : config.berth.socket;
  sigset_t stops; // who can connect can also ask for the end: that waits until the pool can hear it
  sigemptyset(&stops);
  for (const int signal : {SIGTERM, SIGINT}) sigaddset(&stops, signal);
  ::sigprocmask(SIG_BLOCK, &stops, nullptr);
  const DirectoryKeeper keeper(config, account, logger);
  if (stdin_is_listening()) return run_pool(config, role, UniqueFd(::dup(STDIN_FILENO)), logger, [] {});
  BERTH_TRY(const SharedSocket socket, SharedSocket::join(path));
  log_where_the_pool_is(path, logger);
  if (socket.joined_others()) logger.info("serves together with the pools that are there", {{"socket", path}});
  return run_pool(config, role, socket.listening(), logger, [] {});
}

// Errors: invalid, for rules that cannot be kept.
Result<> check_rules(const config::Config& config, Logger& logger) {
  BERTH_CHECK(check_access(config, logger));
  BERTH_CHECK(check_tag_rules(config));
  return {};
}

} // namespace

int up(const std::string& config_path) {
  const std::string before = instance_before();
  const ConfigSource source{config_path, [&] { return config::load(config_path, environment_of_process()); },
                            before.empty() ? make_instance() : before};
  const auto loaded = source.load();
  if (!loaded) return complain(loaded.error());
  auto logger = make_logger(loaded->config.log, source.instance);
  if (const auto rules = check_rules(loaded->config, *logger); !rules) return complain(rules.error());
  log_what_config_says(*loaded, *logger);
  const Result<> result = run_supervisor(loaded->config, source, logger);
  return outcome(result, *logger);
}

int serve(const std::string& config_path, PoolApi serves) {
  auto loaded = config::load(config_path, environment_of_process());
  if (!loaded) return complain(loaded.error());
  const std::string instance = make_instance();
  const auto logger = make_logger(loaded->config.log, instance);
  log_what_config_says(*loaded, *logger);
  const PoolRole role{.serves = serves, .spool = Spool::shared, .instance = instance, .config_file = config_path};
  return outcome(serve_as_user(loaded->config, role, *logger), *logger);
}

int index_referrers(const std::string& config_path, Loudness loudness) {
  const auto loaded = config::load(config_path, environment_of_process());
  if (!loaded) return complain(loaded.error());
  const auto logger = make_logger(loaded->config.log);
  return outcome(index_as_user(loaded->config, *logger, loudness), *logger);
}

int nginx(const std::string& config_path, const std::string& output, bool answers_health) {
  const auto loaded = config::load(config_path, environment_of_process());
  if (!loaded) return complain(loaded.error());
  auto settings = find_nginx(loaded->config);
  if (!settings) return complain(settings.error());
  const auto account = account_of(loaded->config);
  if (!account) return complain(account.error());
  settings->user = nginx_user(*account);
  const auto pair = read_tls_files(loaded->config.http, SystemClock().now());
  if (!pair) return complain(pair.error());
  settings->client_cas = pair->client_cas;
  settings->answers_health = answers_health;
  if (!output.empty()) {
    const auto written = write_nginx_tree(output, loaded->config, *settings);
    return written ? exit_ok : complain(written.error());
  }
  for (const auto& [name, text] : nginx_fragments(loaded->config, *settings))
    std::printf("# generated/%s\n%s\n", name.c_str(), text.c_str());
  return exit_ok;
}

namespace {

// Warns of an address that is another program's: that of the registry that runs with this very configuration is not.
// Errors: invalid.
Result<> check_places(const config::Config& config) {
  const std::string& root = config.storage.root;
  struct stat info{};
  if (::stat(root.c_str(), &info) == 0 && !S_ISDIR(info.st_mode))
    return fail(Code::invalid, "storage.filesystem.rootdirectory: \"" + root + "\": is a file: allowed is a directory");
  if (!is_in_use(config)) return {};
  const Processes running = processes_of(config);
  if (running.supervisor == 0 && running.nginx == 0)
    std::fprintf(stderr, "berth: warning: %s\n", in_use(config).c_str());
  return {};
}

} // namespace

int check_config(const std::string& config_path) {
  const auto loaded = config::load(config_path, environment_of_process());
  if (!loaded) return complain(loaded.error());
  for (const std::string& warning : loaded->warnings) std::fprintf(stderr, "berth: warning: %s\n", warning.c_str());
  for (const std::string& note : loaded->notes) std::fprintf(stderr, "berth: note: %s\n", note.c_str());
  const Time now = SystemClock().now();
  if (const auto pair = read_tls_files(loaded->config.http, now); pair && pair->ends)
    if (const std::string warning = certificate_warning(*pair->ends, now); !warning.empty())
      std::fprintf(stderr, "berth: warning: %s\n", warning.c_str());
  if (const auto good = check_nginx(loaded->config); !good) return complain(good.error());
  if (const auto good = check_places(loaded->config); !good) return complain(good.error());
  const auto logger = make_logger(loaded->config.log);
  if (const auto rules = check_rules(loaded->config, *logger); !rules) return complain(rules.error());
  std::printf("%s: good\n", config_path.c_str());
  return exit_ok;
}

int purge_uploads(const std::string& config_path, PurgeRun run, Loudness loudness) {
  auto loaded = config::load(config_path, environment_of_process());
  if (!loaded) return complain(loaded.error());
  config::Config& config = loaded->config;
  if (run == PurgeRun::dry) config.storage.purging.dry_run = true;
  const auto logger = make_logger(config.log);
  const auto account = account_of(config);
  if (!account) return complain(account.error());
  if (const auto acting = act_as(*account, config); !acting) return complain(acting.error());
  if (const auto dropped = drop_root(); !dropped) return complain(dropped.error());
  SystemRandom random;
  SystemClock clock;
  StoreParts store(config, clock, random);
  Progress progress("directories", Progress::Unit::items, loudness);
  const auto look = [&progress] { // between two directories
    progress.advance();
    return false;
  };
  const auto purged = purge_once(config, store.uploads(), clock.now(), *progress.logger(*logger), look);
  if (!purged) return complain(purged.error());
  return purged->failed == 0 ? exit_ok : exit_failure;
}

int config_keys() {
  std::fputs(config::keys_as_markdown().c_str(), stdout);
  return exit_ok;
}

} // namespace berth::app
