// Child processes of `berth up`: each in a process group of its own, so that Ctrl-C reaches only the supervisor, and
// each told to end by the kernel should the supervisor die.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"

namespace berth::app {

// Forks a child that runs body and exits with what it returns. Signals are unblocked in it and have their default
// actions. Requires: one thread. Errors: io.
Result<pid_t> fork_child(const std::function<int()>& body);

// Replaces the process, in a working directory. Returns only if that fails: 127, for fork_child's body.
int execute(const std::vector<std::string>& command, const std::string& directory);

// Kills every process of a group and waits until they are gone.
void kill_group(pid_t group);

// Kills nginx processes whose working directory is run_directory: what a supervisor that was itself killed has left
// behind, and what would hold the port. Returns how many there were.
int kill_orphaned_nginx(const std::string& run_directory);

// "exited with 1", "was ended by signal 9"
std::string describe_status(int wait_status);

} // namespace berth::app
