// `berth retention`: carries the policies of berth.retention out, or says what they would do; and the same as a run of
// the collection does it in the background. Spec: docs/operations.md, "Retention".
#pragma once

#include <CLI/CLI.hpp>

#include <optional>
#include <string>

#include "app/commands/store.h"

namespace berth::app {

// The words of the command. Threads: one. Borrows: app, config.
class RetentionCommand {
public:
  RetentionCommand(CLI::App& app, std::string& config);
  // The exit code: 1 if the limit stopped a repository, or something could not be done; nothing if another command was
  // given.
  std::optional<int> run() const;

private:
  const std::string& config_;
  CLI::App* command_;
  std::string repository_, tag_, format_, later_;
  bool dry_run_ = false, force_ = false, quiet_ = false;
};

// Carries the policies out if that is due, by berth.retention; what was done goes to the log. Requires: the caller
// holds paths::collection_lock().
void retain_if_due(Store& store);

} // namespace berth::app
