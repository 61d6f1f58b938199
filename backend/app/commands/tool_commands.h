// The words of `berth init`, `ls`, `inspect` and `rm` on the command line.
#pragma once

#include <CLI/CLI.hpp>

#include <optional>
#include <string>
#include <vector>

#include "app/commands/init.h"

namespace berth::app {

// Threads: one. Requires: the app outlives it.
class ToolCommands {
public:
  explicit ToolCommands(CLI::App& app);
  // The exit code; nothing if another command was given.
  std::optional<int> run() const;

private:
  CLI::App *init_, *ls_, *inspect_, *rm_;
  InitOptions init_options_;
  std::vector<std::string> words_;
  bool json_ = false, quiet_ = false;
};

} // namespace berth::app
