#include "app/commands/maintenance_commands.h"

#include "app/commands/commands.h"

namespace berth::app {

MaintenanceCommands::MaintenanceCommands(CLI::App& app, std::string& config)
    : config_(config),
      index_(app.add_subcommand("index-referrers", "List what another registry pushed among the referrers of its "
                                                   "subject")),
      purge_(app.add_subcommand("purge-uploads", "Remove abandoned uploads once, while the registry runs or not")) {
  for (CLI::App* each : {index_, purge_}) {
    each->add_option("CONFIG", config, "config.yml")->envname("REGISTRY_CONFIGURATION_PATH")->required();
    each->add_flag("-q,--quiet", quiet_, "no word of how far it is");
  }
  purge_->add_flag("-d,--dry-run", dry_run_, "only name them");
}

std::optional<int> MaintenanceCommands::run() const {
  const Loudness loudness = quiet_ ? Loudness::quiet : Loudness::normal;
  if (index_->parsed()) return index_referrers(config_, loudness);
  if (purge_->parsed()) return purge_uploads(config_, dry_run_ ? PurgeRun::dry : PurgeRun::as_configured, loudness);
  return std::nullopt;
}

} // namespace berth::app
