#include "app/supervisor/process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "app/supervisor/account.h"
#include "base/content.h"
#include "base/unique_fd.h"

namespace berth::app {
namespace {

constexpr int kill_milliseconds = 5000; // how long a killed process may take to be gone
constexpr auto output_time = std::chrono::seconds(30);
constexpr std::size_t max_output_bytes = 16 * 1024;

void default_signals() {
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  for (const int signal : {SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGPIPE, SIGUSR2}) ::signal(signal, SIG_DFL);
}

// The processes that /proc shows. Any of them may be gone by now.
std::vector<pid_t> processes() {
  std::vector<pid_t> pids;
  std::error_code error;
  for (std::filesystem::directory_iterator entry("/proc", error), end; !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename();
    if (std::ranges::all_of(name, [](char c) { return c >= '0' && c <= '9'; })) pids.push_back(std::atoi(name.c_str()));
  }
  return pids;
}

// Returns the text of a file of a process in /proc, up to the first NUL; empty if the process is gone. A process may
// end between open and read, where a stream iterator would throw: so none is used.
std::string said_of(pid_t pid, const char* file) {
  std::ifstream stream("/proc/" + std::to_string(pid) + "/" + file);
  std::string text;
  std::getline(stream, text, '\0');
  return text;
}

// Whether all the user ids of a process are this one.
bool belongs_to(const std::string& process, uid_t user) {
  std::ifstream status(process + "/status");
  for (std::string line; std::getline(status, line);) {
    std::array<uid_t, 4> ids{};
    if (std::sscanf(line.c_str(), "Uid: %u %u %u %u", ids.data(), &ids[1], &ids[2], &ids[3]) == 4)
      return std::ranges::all_of(ids, [&](uid_t id) { return id == user; });
  }
  return false;
}

bool is_nginx_in(pid_t pid, uid_t user, const struct stat& directory) {
  const std::string process = "/proc/" + std::to_string(pid);
  if (!belongs_to(process, user)) return false;
  std::error_code error;
  const std::string program = std::filesystem::read_symlink(process + "/exe", error).filename();
  struct stat working{};
  return program.starts_with("nginx") && ::stat((process + "/cwd").c_str(), &working) == 0 &&
         working.st_dev == directory.st_dev && working.st_ino == directory.st_ino;
}

int pidfd_open(pid_t pid) { return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)); }

// Kills a process if it is an nginx in that directory, and waits for its end. What is held is the process, not its
// number: should it end and another get the number, that one is not looked at in its place, nor killed.
bool kill_if_nginx(pid_t pid, const struct stat& directory) {
  const uid_t user =
      ::geteuid(); // root, if it is kept, may kill others' too: what the user's directory says is no reason
  UniqueFd process;
  {
    const AsRoot look; // an nginx that may listen on low ports shows its directory to root alone
    if (!is_nginx_in(pid, user, directory)) return false;
    process = UniqueFd(pidfd_open(pid));
    if (!process || !is_nginx_in(pid, user, directory)) return false;
  }
  if (::syscall(SYS_pidfd_send_signal, process.get(), SIGKILL, nullptr, 0) != 0) return false;
  pollfd ended{process.get(), POLLIN, 0};
  ::poll(&ended, 1, kill_milliseconds);
  return true;
}

// Reads until the child has closed the pipe, keeps the beginning. False when the time is over first.
bool drain(int pipe, std::string& text) {
  const auto deadline = std::chrono::steady_clock::now() + output_time;
  std::array<char, 4096> buffer;
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()).count();
    pollfd readable{pipe, POLLIN, 0};
    if (left <= 0 || ::poll(&readable, 1, static_cast<int>(left)) == 0) return false;
    const ssize_t count = ::read(pipe, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return true;
    text.append(buffer.data(), std::min<std::size_t>(count, max_output_bytes - text.size()));
  }
}

} // namespace

void die_with_parent() { ::prctl(PR_SET_PDEATHSIG, SIGTERM); }

Result<pid_t> fork_child(const std::function<int()>& body) {
  const pid_t parent = ::getpid();
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child < 0)
    return std::unexpected(
        errno_error("fork", errno == EAGAIN ? "child (RLIMIT_NPROC, the most processes of a user?)" : "child", errno));
  if (child > 0) {
    ::setpgid(child, child); // in both, so that neither has to wait for the other
    return child;
  }
  ::setpgid(0, 0);
  die_with_parent();
  if (::getppid() != parent) std::_Exit(1); // it died before the kernel knew what to do
  default_signals();
  std::exit(body());
}

int execute(const std::vector<std::string>& command, const std::string& directory) {
  std::vector<char*> arguments;
  arguments.reserve(command.size() + 1);
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  if (::chdir(directory.c_str()) == 0) ::execv(arguments[0], arguments.data());
  std::fprintf(stderr, "berth: cannot run %s: %s\n", arguments[0], std::strerror(errno));
  return exit_cannot_execute;
}

bool stop_is_pending() {
  sigset_t waiting;
  sigemptyset(&waiting);
  ::sigpending(&waiting);
  return sigismember(&waiting, SIGTERM) == 1 || sigismember(&waiting, SIGINT) == 1 ||
         sigismember(&waiting, SIGQUIT) == 1;
}

void kill_group(pid_t group) {
  ::kill(-group, SIGKILL);
  // Orphans of the group are ours to wait for: the supervisor is their subreaper.
  while (::waitpid(-group, nullptr, 0) > 0 || errno == EINTR) {
  }
}

Result<Output> output_of(const std::function<int()>& body) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return std::unexpected(errno_error("pipe", "child", errno));
  const UniqueFd reading(ends[0]);
  UniqueFd writing(ends[1]);
  BERTH_TRY(const pid_t child, fork_child([&] {
              ::dup2(ends[1], STDOUT_FILENO);
              ::dup2(ends[1], STDERR_FILENO);
              return body();
            }));
  writing.reset();
  Output output;
  if (!drain(reading.get(), output.text)) ::kill(child, SIGKILL);
  while (::waitpid(child, &output.status, 0) < 0 && errno == EINTR) {
  }
  return output;
}

int kill_orphaned_nginx(const std::string& run_directory) {
  struct stat directory{};
  if (::stat(run_directory.c_str(), &directory) != 0) return 0;
  return static_cast<int>(std::ranges::count_if(processes(), [&](pid_t pid) { return kill_if_nginx(pid, directory); }));
}

std::vector<pid_t> children_of(pid_t parent) {
  const AsRoot look; // /proc may be mounted so that it shows each user no processes but its own
  std::vector<pid_t> children;
  for (const pid_t pid : processes()) {
    const std::string text = said_of(pid, "stat");
    const std::size_t bracket = text.rfind(')'); // the name before it may hold anything
    char state = 0;
    pid_t its_parent = 0;
    if (bracket != std::string::npos && std::sscanf(text.c_str() + bracket + 1, " %c %d", &state, &its_parent) == 2 &&
        its_parent == parent && state != 'Z')
      children.push_back(pid);
  }
  return children;
}

std::string program_of_process() {
  std::error_code ignored;
  return std::filesystem::read_symlink("/proc/self/exe", ignored);
}

std::string title_of(pid_t pid) {
  const AsRoot look;
  return said_of(pid, "cmdline");
}

std::string describe_status(int status) {
  if (WIFSIGNALED(status)) return "was ended by signal " + std::to_string(WTERMSIG(status));
  return "exited with " + std::to_string(WEXITSTATUS(status));
}

void raise_file_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

} // namespace berth::app
