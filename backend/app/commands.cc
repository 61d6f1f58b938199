#include "app/commands.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "app/account.h"
#include "app/listen_socket.h"
#include "app/logger.h"
#include "app/nginx_tree.h"
#include "app/pool.h"
#include "app/referrer_index.h"
#include "app/supervisor.h"
#include "base/content.h"
#include "config/config.h"

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
  const auto logger = make_logger(loaded->config.log_level);
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
  const auto logger = make_logger(loaded->config.log_level);
  for (const std::string& warning : loaded->warnings) logger->warn(warning);
  return outcome(serve_as_user(loaded->config, *logger), *logger);
}

int index_referrers(const std::string& config_path) {
  const auto loaded = config::load(config_path, environment_of_process());
  if (!loaded) return complain(loaded.error());
  const auto logger = make_logger(loaded->config.log_level);
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

} // namespace berth::app
