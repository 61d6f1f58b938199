#include "app/commands.h"

#include <unistd.h>

#include <cstdio>

#include "app/listen_socket.h"
#include "app/logger.h"
#include "app/nginx_tree.h"
#include "app/pool.h"
#include "app/secret.h"
#include "app/supervisor.h"
#include "base/random.h"
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
  const bool inherited = stdin_is_listening();
  auto socket = inherited ? Result<UniqueFd>(UniqueFd(::dup(STDIN_FILENO))) : listen_on(loaded->config.berth.socket);
  if (!socket) return complain(socket.error());
  const int code = outcome(run_pool(loaded->config, *socket, *logger), *logger);
  if (!inherited) ::unlink(loaded->config.berth.socket.c_str());
  return code;
}

int nginx(const std::string& config_path, const std::string& output) {
  const auto loaded = config::load(config_path, environment_of_process());
  if (!loaded) return complain(loaded.error());
  auto settings = find_nginx(loaded->config);
  if (!settings) return complain(settings.error());
  if (!output.empty()) {
    const auto written = write_nginx_tree(output, loaded->config, *settings);
    return written ? exit_ok : complain(written.error());
  }
  for (const auto& [name, text] : nginx_fragments(loaded->config, *settings))
    std::printf("# generated/%s\n%s\n", name.c_str(), text.c_str());
  return exit_ok;
}

} // namespace berth::app
