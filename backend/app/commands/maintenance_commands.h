// The words of the commands that work on the whole store, while the registry runs or not: `berth index-referrers`,
// `purge-uploads`.
#pragma once

#include <CLI/CLI.hpp>

#include <optional>
#include <string>

namespace berth::app {

// Threads: one. Borrows: app, config.
class MaintenanceCommands {
public:
  MaintenanceCommands(CLI::App& app, std::string& config);
  // The exit code; nothing if another command was given.
  std::optional<int> run() const;

private:
  const std::string& config_;
  CLI::App *index_, *purge_;
  bool dry_run_ = false, quiet_ = false;
};

} // namespace berth::app
