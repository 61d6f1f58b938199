// berth: a container registry behind nginx.
#include <CLI/CLI.hpp>
#include <cstdio>

#include "app/commands.h"

namespace {

constexpr const char* footer = R"(
CONFIG is a config.yml as docker/distribution's registry takes it; REGISTRY_CONFIGURATION_PATH names it where none is
given, and REGISTRY_* variables override its keys (REGISTRY_HTTP_ADDR=:5001).

Signals of `up`: SIGHUP reloads configuration and certificates; SIGTERM and Ctrl-C finish what is in progress and stop.

Exit codes: 0 done; 1 failed while running; 2 bad usage or bad configuration.)";

} // namespace

int main(int argc, char** argv) {
  CLI::App app(
      "berth, a container registry behind nginx: the Docker and OCI registry API over docker/distribution's files.",
      "berth");
  app.set_version_flag("--version", std::string("berth ") + BERTH_VERSION);
  app.require_subcommand(1);
  app.footer(footer);

  std::string config, output;
  const auto command = [&](const char* name, const char* what) {
    CLI::App* sub = app.add_subcommand(name, what);
    sub->add_option("CONFIG", config, "config.yml")->envname("REGISTRY_CONFIGURATION_PATH")->required();
    return sub;
  };
  CLI::App* up = command("up", "Run the whole registry in the foreground: nginx and the pool");
  CLI::App* serve = command("serve", "Run the FastCGI pool alone");
  CLI::App* index = command("index-referrers", "List what another registry pushed among the referrers of its subject");
  CLI::App* nginx = command("nginx", "Print the nginx fragments that CONFIG implies");
  nginx->add_option("-o,--output", output, "write the whole nginx configuration into this directory instead");

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? berth::app::exit_ok : berth::app::exit_usage;
  }
  if (up->parsed()) return berth::app::up(config);
  if (serve->parsed()) return berth::app::serve(config);
  if (index->parsed()) return berth::app::index_referrers(config);
  if (nginx->parsed()) return berth::app::nginx(config, output);
  return berth::app::exit_usage;
}
