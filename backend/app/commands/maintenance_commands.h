// The words of the commands that work on the whole store, while the registry runs or not: `berth index-referrers`,
// `purge-uploads`, `garbage-collect`, `verify`.
#pragma once

#include <CLI/CLI.hpp>

#include <optional>
#include <string>

#include "app/commands/garbage_collect.h"
#include "app/commands/verify.h"

namespace berth::app {

// Threads: one. Borrows: app, config.
class MaintenanceCommands {
public:
  MaintenanceCommands(CLI::App& app, std::string& config);
  // The exit code; nothing if another command was given.
  std::optional<int> run() const;

private:
  int collect() const;
  void add_options_of_verify();
  int verify() const;

  const std::string& config_;
  CLI::App *index_, *purge_, *collect_, *verify_;
  bool dry_run_ = false, quiet_ = false;
  CollectionOptions collection_; // but for what others have too
  VerifyRequest verification_;   // the same
  std::string grace_, short_grace_, older_, format_;
};

} // namespace berth::app
