// The words of the commands that work on the whole store, while the registry runs or not: `berth index-referrers`,
// `purge-uploads`, `garbage-collect`.
#pragma once

#include <CLI/CLI.hpp>

#include <optional>
#include <string>

#include "app/commands/garbage_collect.h"

namespace berth::app {

// Threads: one. Borrows: app, config.
class MaintenanceCommands {
public:
  MaintenanceCommands(CLI::App& app, std::string& config);
  // The exit code; nothing if another command was given.
  std::optional<int> run() const;

private:
  int collect() const;

  const std::string& config_;
  CLI::App *index_, *purge_, *collect_;
  bool dry_run_ = false, quiet_ = false;
  CollectionOptions collection_; // but for what others have too
  std::string grace_, short_grace_, format_;
};

} // namespace berth::app
