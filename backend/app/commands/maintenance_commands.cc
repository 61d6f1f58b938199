#include "app/commands/maintenance_commands.h"

#include "app/commands/commands.h"
#include "app/commands/complain.h"
#include "config/config.h"

namespace berth::app {

MaintenanceCommands::MaintenanceCommands(CLI::App& app, std::string& config)
    : config_(config),
      index_(app.add_subcommand("index-referrers", "List what another registry pushed among the referrers of its "
                                                   "subject")),
      purge_(app.add_subcommand("purge-uploads", "Remove abandoned uploads once, while the registry runs or not")),
      collect_(app.add_subcommand("garbage-collect", "Park what nothing names any more, and free what was parked "
                                                     "before, while the registry runs or not")),
      verify_(app.add_subcommand("verify", "Read every blob and look through every repository, while the registry runs "
                                           "or not")) {
  for (CLI::App* each : {index_, purge_, collect_, verify_}) {
    each->add_option("CONFIG", config, "config.yml")->envname("REGISTRY_CONFIGURATION_PATH")->required();
    each->add_flag("-q,--quiet", quiet_, each == collect_ ? "the sums alone" : "no word of how far it is");
  }
  for (CLI::App* each : {purge_, collect_}) each->add_flag("-d,--dry-run", dry_run_, "only name them");
  collect_->add_flag("-m,--delete-untagged", collection_.delete_untagged,
                     "manifests too that no tag, index or subject needs, once they are as old as the grace");
  collect_->add_option("--grace", grace_, "how long garbage is parked before it is freed; default: CONFIG's, or 24h")
      ->option_text("TIME");
  // For tests, which cannot wait for hours: what is in use may be freed.
  collect_->add_option("--short-grace", short_grace_)->group("");
  CLI::Option* now = collect_->add_flag("--now", collection_.now, "free at once; only while no registry runs");
  for (CLI::App* each : {collect_, verify_})
    each->add_option("--format", format_, "how the result is told")
        ->check(CLI::IsMember({"text", "json"}))
        ->option_text("text|json");
  collect_
      ->add_flag("--background", collection_.background,
                 "as the registry itself does with berth.collection: when a run is due, with the CPU and disk that "
                 "nobody else wants, into the log")
      ->excludes(now);
  add_options_of_verify();
}

void MaintenanceCommands::add_options_of_verify() {
  verify_->add_flag("--repair", verification_.mend, "mend what can be mended; damaged blobs are moved aside");
  verify_->add_flag("--links", verification_.links, "tell of links to blobs that are not there, too");
  verify_->add_option("--repository", verification_.repositories, "these alone, and their blobs: team/app, team/**")
      ->option_text("PATTERN");
  verify_->add_option("--rate", verification_.rate, "bytes a second at most: 50MB")
      ->transform(CLI::AsSizeValue(true))
      ->option_text("BYTES");
  verify_->add_option("--older", older_, "only blobs that were not read for so long: 168h")->option_text("TIME");
  verify_->add_flag("--anew", verification_.begin_anew, "do not go on with a run that was cut short");
  verify_->add_flag("--background", verification_.background,
                    "as the registry itself does with berth.verify: when a run is due, with the CPU and disk that "
                    "nobody else wants, into the log");
}

int MaintenanceCommands::verify() const {
  VerifyRequest request = verification_;
  request.json = format_ == "json";
  request.loudness = quiet_ ? Loudness::quiet : Loudness::normal;
  if (!older_.empty()) {
    const auto older = config::parse_age(older_);
    if (!older)
      return complain(fail(Code::invalid, "--older: \"" + older_ + "\": allowed is " + older.error().message).error());
    request.older = *older;
  }
  return app::verify(config_, request);
}

int MaintenanceCommands::collect() const {
  CollectionOptions options = collection_;
  options.dry_run = dry_run_;
  options.quiet = quiet_;
  options.json = format_ == "json";
  const bool is_short = !short_grace_.empty();
  if (is_short || !grace_.empty()) {
    const auto grace = is_short ? config::parse_age(short_grace_) : config::parse_grace(grace_);
    if (!grace)
      return complain(fail(Code::invalid, "--grace: \"" + grace_ + "\": allowed is " + grace.error().message).error());
    options.grace = *grace;
  }
  return garbage_collect(config_, options);
}

std::optional<int> MaintenanceCommands::run() const {
  const Loudness loudness = quiet_ ? Loudness::quiet : Loudness::normal;
  if (index_->parsed()) return index_referrers(config_, loudness);
  if (purge_->parsed()) return purge_uploads(config_, dry_run_ ? PurgeRun::dry : PurgeRun::as_configured, loudness);
  if (collect_->parsed()) return collect();
  if (verify_->parsed()) return verify();
  return std::nullopt;
}

} // namespace berth::app
