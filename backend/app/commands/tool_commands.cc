#include "app/commands/tool_commands.h"

#include "app/commands/inspect.h"
#include "app/commands/ls.h"
#include "app/commands/rm.h"
#include "app/commands/status.h"

namespace berth::app {

ToolCommands::ToolCommands(CLI::App& app, std::string& config_path)
    : init_(app.add_subcommand("init", "Make what a registry needs to start: config.yml, a certificate, a user")),
      status_(app.add_subcommand("status", "Say what a running registry does, and whether it is well")),
      ls_(app.add_subcommand("ls", "List the repositories of the store, or the tags of one")),
      inspect_(app.add_subcommand("inspect", "Say what an image of the store is made of")),
      rm_(app.add_subcommand("rm", "Remove tags, or manifests with their tags, while the registry runs or not")),
      config_(config_path) {
  init_->add_option("DIR", init_options_.directory, "where")->capture_default_str();
  init_
      ->add_option("--host", init_options_.hosts,
                   "what clients call it, for the certificate; repeatable; default: "
                   "this host's name, localhost, 127.0.0.1, ::1")
      ->option_text("HOST")
      ->allow_extra_args(false) // DIR may come next
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  init_->add_option("--addr", init_options_.address, "where it listens: [host]:port")
      ->option_text("ADDRESS")
      ->capture_default_str();
  init_->add_option("--user", init_options_.user, "a first user, whose password is asked for")->option_text("NAME");
  init_->add_flag("--http", init_options_.plain_http, "without TLS");
  init_->add_flag("--renew", init_options_.renew, "only make a new certificate, by the CA that is there");
  status_->add_option("CONFIG", config_path, "config.yml")->envname("REGISTRY_CONFIGURATION_PATH")->required();
  // Not by envname: where the variable names it, the first word may be the next one (split_config).
  for (CLI::App* each : {ls_, inspect_, rm_})
    each->add_option("CONFIG", first_word_, "config.yml, unless REGISTRY_CONFIGURATION_PATH names it")
        ->option_text(" ");
  const char* image = "REPOSITORY:TAG or REPOSITORY@DIGEST; ";
  ls_->add_option("REPOSITORY", words_, "whose tags are listed; none: the repositories")->option_text(" ")->expected(1);
  inspect_->add_option("IMAGE", words_, image + std::string("without either: latest"))->option_text(" ")->expected(1);
  rm_->add_option("IMAGE", words_, image + std::string("a tag goes alone, a manifest with its tags"))
      ->option_text("...");
  for (CLI::App* each : {status_, ls_, inspect_}) each->add_flag("--json", json_, "as JSON");
  ls_->add_flag("-q,--quiet", quiet_, "no word of how far it is");
}

std::optional<int> ToolCommands::run() const {
  std::vector<std::string> words = words_;
  if (!first_word_.empty()) words.insert(words.begin(), first_word_);
  const OutputForm form = json_ ? OutputForm::json : OutputForm::text;
  if (init_->parsed()) return init(init_options_);
  if (status_->parsed()) return status(config_, form);
  if (ls_->parsed()) return ls(words, form, quiet_ ? Loudness::quiet : Loudness::normal);
  if (inspect_->parsed()) return inspect(words, form);
  if (rm_->parsed()) return rm(words);
  return std::nullopt;
}

} // namespace berth::app
