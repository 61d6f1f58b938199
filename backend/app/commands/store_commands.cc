#include "app/commands/store_commands.h"

#include "app/commands/inspect.h"
#include "app/commands/ls.h"
#include "app/commands/rm.h"

namespace berth::app {

StoreCommands::StoreCommands(CLI::App& app)
    : ls_(app.add_subcommand("ls", "List the repositories of the store, or the tags of one")),
      inspect_(app.add_subcommand("inspect", "Say what an image of the store is made of")),
      rm_(app.add_subcommand("rm", "Remove tags, or manifests with their tags, while the registry runs or not")) {
  const char* config = "config.yml, unless REGISTRY_CONFIGURATION_PATH names it; then ";
  ls_->add_option("CONFIG [REPOSITORY]", words_, config + std::string("perhaps a repository"));
  inspect_->add_option("CONFIG REPOSITORY[:TAG|@DIGEST]", words_,
                       config + std::string("an image; without TAG: latest"));
  rm_->add_option("CONFIG REPOSITORY:TAG|@DIGEST ...", words_,
                  config + std::string("what to remove: a tag alone, or by digest a manifest and its tags"));
  for (CLI::App* each : {ls_, inspect_}) each->add_flag("--json", json_, "as JSON");
  ls_->add_flag("-q,--quiet", quiet_, "no word of how far it is");
}

std::optional<int> StoreCommands::run() const {
  const OutputForm form = json_ ? OutputForm::json : OutputForm::text;
  if (ls_->parsed()) return ls(words_, form, quiet_ ? Loudness::quiet : Loudness::normal);
  if (inspect_->parsed()) return inspect(words_, form);
  if (rm_->parsed()) return rm(words_);
  return std::nullopt;
}

} // namespace berth::app
