#include "app/half.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <cerrno>

#include "app/process.h"

namespace berth::app {
namespace {

using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;

constexpr auto ready_time = 20s; // how long a pool may take at a reload
constexpr auto ready_poll = 20ms;
constexpr int max_refused = 100'000;

} // namespace

bool is_ready(const Half& pool, std::chrono::milliseconds wait) {
  pollfd readable{pool.ready.get(), POLLIN, 0};
  return ::poll(&readable, 1, static_cast<int>(wait.count())) == 1 && (readable.revents & POLLIN) != 0;
}

Result<> await_ready(const Half& pool) {
  const auto deadline = Steady::now() + ready_time;
  while (!is_ready(pool, ready_poll)) {
    siginfo_t ended{};
    if (::waitid(P_PID, static_cast<id_t>(pool.pid), &ended, WEXITED | WNOHANG | WNOWAIT) == 0 && ended.si_pid != 0)
      return fail(Code::io, "the new pool ended before it could serve; its own line says why");
    if (stop_is_pending()) return fail(Code::io, "told to stop");
    if (Steady::now() > deadline)
      return fail(Code::io, "the new pool could not serve within " + std::to_string(ready_time.count()) + " s");
  }
  return {};
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
