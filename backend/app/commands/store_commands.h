// The words of `berth ls`, `inspect` and `rm` on the command line.
#pragma once

#include <CLI/CLI.hpp>

#include <optional>
#include <string>
#include <vector>

namespace berth::app {

// Threads: one. Requires: the app outlives it.
class StoreCommands {
public:
  explicit StoreCommands(CLI::App& app);
  // The exit code; nothing if another command was given.
  std::optional<int> run() const;

private:
  CLI::App *ls_, *inspect_, *rm_;
  std::vector<std::string> words_;
  bool json_ = false, quiet_ = false;
};

} // namespace berth::app
