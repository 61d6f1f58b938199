#include "app/supervisor/child_process.h"

#include <poll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <utility>

#include "app/supervisor/process.h"

namespace berth::app {
namespace {

using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;

constexpr auto kill_time = 5s; // how long a child may take that was urged
constexpr int max_refused = 100'000;

} // namespace

bool is_ready(const ChildProcess& pool) {
  pollfd readable{pool.ready.get(), POLLIN, 0};
  return ::poll(&readable, 1, 0) == 1 && (readable.revents & POLLIN) != 0;
}

std::vector<pid_t> serving_workers(pid_t nginx) {
  std::vector<pid_t> workers = children_of(nginx);
  std::erase_if(workers, [](pid_t pid) { return title_of(pid) != "nginx: worker process"; });
  return workers;
}

void await_end(ChildProcess& child, const UniqueFd& signals, std::chrono::seconds limit, int second_signal) {
  const auto deadline = Steady::now() + limit;
  bool urged = false;
  while (child.pid > 0) {
    if (const pid_t pid = ::waitpid(child.pid, nullptr, WNOHANG); pid == child.pid || (pid < 0 && errno == ECHILD)) {
      kill_group(std::exchange(child.pid, 0));
      return;
    }
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Steady::now()).count();
    pollfd poll_signals{signals.get(), POLLIN, 0};
    ::poll(&poll_signals, 1, static_cast<int>(std::clamp<long>(left, 10, 1000)));
    bool told_again = false;
    signalfd_siginfo info{};
    while (::read(signals.get(), &info, sizeof info) == sizeof info)
      told_again = told_again || info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT;
    if (!urged && (told_again || left <= 0)) {
      urged = true;
      ::kill(child.pid, second_signal);
    } else if (urged && Steady::now() > deadline + kill_time) {
      ::kill(child.pid, SIGKILL);
    }
  }
}

void await_others(const UniqueFd& signals, std::chrono::milliseconds limit) {
  const auto deadline = Steady::now() + limit;
  while (::waitpid(-1, nullptr, WNOHANG) >= 0) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Steady::now()).count();
    if (left <= 0) return;
    pollfd poll_signals{signals.get(), POLLIN, 0};
    ::poll(&poll_signals, 1, static_cast<int>(std::min<long>(left, 100)));
    signalfd_siginfo info{};
    while (::read(signals.get(), &info, sizeof info) == sizeof info) {
    }
  }
}

void refuse_waiting(const UniqueFd& socket) {
  for (int i = 0; i < max_refused; ++i) {
    pollfd waiting{socket.get(), POLLIN, 0};
    if (::poll(&waiting, 1, 0) != 1) return;
    const UniqueFd refused(::accept4(socket.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!refused && errno != ECONNABORTED && errno != EINTR) return; // a worker of the pool was faster, for one
  }
}

} // namespace berth::app
