#include "app/commands.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "app/account.h"
#include "app/check_nginx.h"
#include "app/listen_socket.h"
#include "app/logger.h"
#include "app/nginx_tree.h"
#include "app/pool.h"
#include "app/purger.h"
#include "app/referrer_index.h"
#include "app/supervisor.h"
#include "base/clock.h"
#include "base/content.h"
#include "base/random.h"
#include "config/config.h"
#include "config/keys.h"
#include "driver/filesystem.h"

namespace berth::app {
namespace {

config::Environment environment_of_process() {
  config::Environment environment;
  for (char** entry = ::environ; *entry != nullptr; ++entry) {
    const std::string_view pair = *entry;
    const std::size_t equals = pair.find('=');
    if (equals != std::string_view::npos) environment.emplace_back(pair.substr(0, equals), pair.substr(equals + 1));
  }
  return environment;
}

int complain(const Error& error) {
  std::fprintf(stderr, "berth: %s\n", error.message.c_str());
  return is(error, Code::invalid) ? exit_usage : exit_failure;
}

// What running came to. Errors are logged: by then there is a log.
int outcome(const Result<>& result, Logger& logger) {
  if (result) return exit_ok;
  logger.error(result.error().message);
  return is(result.error(), Code::invalid) ? exit_usage : exit_failure;
}

// As the user who owns the store: so that what is made in it can be changed by whoever serves it.
Result<> index_as_user(const config::Config& config, Logger& logger) {
  BERTH_TRY(const Account account, account_of(config));
  BERTH_CHECK(prepare_directories(config, account));
  BERTH_CHECK(become(account));
  return index_referrers_of(config, logger);
}

// Serves on the socket that was handed over, or on one of its own, as the user who owns the store.
Result<> serve_as_user(const config::Config& config, Logger& logger) {
  BERTH_TRY(const Account account, account_of(config));
  BERTH_CHECK(prepare_directories(config, account));
  const bool inherited = stdin_is_listening();
  const std::string& path = config.berth.socket;
  BERTH_TRY(const UniqueFd socket, inherited ? Result<UniqueFd>(UniqueFd(::dup(STDIN_FILENO))) : listen_on(path));
  if (!inherited && account.started_as_root && ::chown(path.c_str(), account.uid, account.gid) != 0)
    return std::unexpected(errno_error("chown", path, errno));
  BERTH_CHECK(become(account));
  const Result<> served = run_pool(config, socket, Spool::shared, logger);
  if (!inherited) ::unlink(path.c_str());
  return served;
}

} // namespace

int up(const std::string& config_path) {
  const auto load = [&] { return config::load(config_path, environment_of_process()); };
  const auto loaded = load();
  if (!loaded) return complain(loaded.error());
  const auto logger = make_logger(loaded->config.log);
  for (const std::string& warning : loaded->warnings) logger->warn(warning);
  const LoadConfig load_again = [&]() -> Result<config::Config> {
    BERTH_TRY(config::Loaded again, load());
    return std::move(again.config);
  };
  return outcome(run_supervisor(loaded->config, load_again, *logger), *logger);
}

int serve(const std::string& config_path) {
  auto loaded = config::load(config_path, environment_of_process());
  if (!loaded) return complain(loaded.error());
  const auto logger = make_logger(loaded->config.log);
  for (const std::string& warning : loaded->warnings) logger->warn(warning);
  return outcome(serve_as_user(loaded->config, *logger), *logger);
}

int index_referrers(const std::string& config_path) {
  const auto loaded = config::load(config_path, environment_of_process());
  if (!loaded) return complain(loaded.error());
  const auto logger = make_logger(loaded->config.log);
  return outcome(index_as_user(loaded->config, *logger), *logger);
}

int nginx(const std::string& config_path, const std::string& output) {
  const auto loaded = config::load(config_path, environment_of_process());
  if (!loaded) return complain(loaded.error());
  auto settings = find_nginx(loaded->config);
  if (!settings) return complain(settings.error());
  const auto account = account_of(loaded->config);
  if (!account) return complain(account.error());
  settings->user = nginx_user(*account);
  if (!output.empty()) {
    const auto written = write_nginx_tree(output, loaded->config, *settings);
    return written ? exit_ok : complain(written.error());
  }
  for (const auto& [name, text] : nginx_fragments(loaded->config, *settings))
    std::printf("# generated/%s\n%s\n", name.c_str(), text.c_str());
  return exit_ok;
}

int check_config(const std::string& config_path) {
  const auto loaded = config::load(config_path, environment_of_process());
  if (!loaded) return complain(loaded.error());
  for (const std::string& warning : loaded->warnings) std::fprintf(stderr, "berth: warning: %s\n", warning.c_str());
  if (const auto good = check_nginx_half(loaded->config); !good) return complain(good.error());
  std::printf("%s: good\n", config_path.c_str());
  return exit_ok;
}

int purge_uploads(const std::string& config_path, PurgeRun run) {
  auto loaded = config::load(config_path, environment_of_process());
  if (!loaded) return complain(loaded.error());
  config::Config& config = loaded->config;
  if (run == PurgeRun::dry) config.storage.purging.dry_run = true;
  const auto logger = make_logger(config.log);
  const auto account = account_of(config);
  if (!account) return complain(account.error());
  if (const auto became = become(*account); !became) return complain(became.error());
  driver::FsOps ops;
  SystemRandom random;
  driver::Filesystem driver(config.storage.root, ops, random);
  const auto purged = purge_once(config, driver, SystemClock().now(), *logger, [] { return false; });
  if (!purged) return complain(purged.error());
  return purged->failed == 0 ? exit_ok : exit_failure;
}

int config_keys() {
  std::fputs(config::keys_as_markdown().c_str(), stdout);
  return exit_ok;
}

} // namespace berth::app
