// The words of `berth init`, `status`, `ls`, `inspect`, `rm` and `restore` on the command line.
#pragma once

#include <CLI/CLI.hpp>

#include <optional>
#include <string>
#include <vector>

#include "app/commands/init.h"
#include "app/commands/restore.h"
#include "app/commands/rm.h"

namespace berth::app {

// Threads: one. Borrows: app, config.
class ToolCommands {
public:
  ToolCommands(CLI::App& app, std::string& config);
  // The exit code; nothing if another command was given.
  std::optional<int> run() const;

private:
  CLI::App *init_, *status_, *ls_, *inspect_, *rm_, *restore_;
  const std::string& config_;

  InitOptions init_options_;
  std::string first_word_;
  std::vector<std::string> words_;
  bool json_ = false, quiet_ = false;
  Removing removing_;
  Restoring restoring_;
};

} // namespace berth::app
