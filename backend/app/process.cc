#include "app/process.h"

#include <dirent.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "base/content.h"

namespace berth::app {
namespace {

constexpr int max_polls = 500;
constexpr timespec poll_interval{0, 10'000'000};

void default_signals() {
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  for (const int signal : {SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGPIPE}) ::signal(signal, SIG_DFL);
}

bool is_nginx_in(const std::filesystem::path& process, const std::string& run_directory) {
  std::error_code error;
  const std::string program = std::filesystem::read_symlink(process / "exe", error).filename();
  const std::string directory = std::filesystem::read_symlink(process / "cwd", error);
  return program.starts_with("nginx") && directory == run_directory;
}

} // namespace

Result<pid_t> fork_child(const std::function<int()>& body) {
  const pid_t parent = ::getpid();
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child < 0) return std::unexpected(errno_error("fork", "child", errno));
  if (child > 0) {
    ::setpgid(child, child); // in both, so that neither has to wait for the other
    return child;
  }
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != parent) std::_Exit(1); // it died before the kernel knew what to do
  default_signals();
  std::exit(body());
}

int execute(const std::vector<std::string>& command, const std::string& directory) {
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  if (::chdir(directory.c_str()) == 0) ::execv(arguments[0], arguments.data());
  std::fprintf(stderr, "berth: cannot run %s: %s\n", arguments[0], std::strerror(errno));
  return 127;
}

void kill_group(pid_t group) {
  ::kill(-group, SIGKILL);
  // Orphans of the group are ours to wait for: the supervisor is their subreaper.
  while (::waitpid(-group, nullptr, 0) > 0 || errno == EINTR) {
  }
}

int kill_orphaned_nginx(const std::string& run_directory) {
  int killed = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    if (!std::ranges::all_of(name, [](char c) { return c >= '0' && c <= '9'; })) continue;
    if (!is_nginx_in(entry.path(), run_directory)) continue;
    const pid_t pid = std::atoi(name.c_str());
    ++killed;
    for (int i = 0; i < max_polls && ::kill(pid, SIGKILL) == 0; ++i) ::nanosleep(&poll_interval, nullptr);
  }
  return killed;
}

std::string describe_status(int status) {
  if (WIFSIGNALED(status)) return "was ended by signal " + std::to_string(WTERMSIG(status));
  return "exited with " + std::to_string(WEXITSTATUS(status));
}

} // namespace berth::app
