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

// Asks the kernel for a SIGTERM when the parent dies. fork_child does; after a change of user it has to be asked again.
void die_with_parent();

inline constexpr int exit_cannot_execute = 127;

// Replaces the process, in a working directory. Returns only if that fails: exit_cannot_execute, for fork_child's body.
int execute(const std::vector<std::string>& command, const std::string& directory);

// Whether a signal that asks this process to stop is waiting, blocked: whoever waits for something else gives up then.
bool stop_is_pending();

// Kills every process of a group and waits until they are gone.
void kill_group(pid_t group);

// The output of a child, stdout and stderr, and how it ended.
struct Output {
  int status = 0;
  std::string text; // at most its first 16 KiB
};

// Forks a child that runs body, and waits for its end: 30 seconds, then it is killed. Requires: one thread.
// Errors: io.
Result<Output> output_of(const std::function<int()>& body);

// Kills nginx processes whose working directory is run_directory: what a supervisor that was itself killed has left
// behind, and what would hold the port. Only those that this user may kill. Returns how many there were.
int kill_orphaned_nginx(const std::string& run_directory);

// The live children of a process. A hint: they come and go.
std::vector<pid_t> children_of(pid_t parent);

// The file of the program that this process runs: also after another file has taken its name.
std::string program_of_process();

// How a process calls itself: its command line, or what it has put in that place. Empty if it is gone.
std::string title_of(pid_t pid);

// "exited with 1", "was ended by signal 9"
std::string describe_status(int wait_status);

// As many open files as this process and those that it starts may have.
void raise_file_limit();

} // namespace berth::app
