// Lets berth and nginx sleep at random around system calls, as a busy machine would at the worst moments: what a test
// expects to be so already, and is only so soon, shows. A library for LD_PRELOAD (make chaos); other programs that it
// is loaded into are left alone. CHAOS_MS: the longest sleep.
#include <dlfcn.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <random>
#include <string_view>

namespace {

// The longest sleep in milliseconds; 0 in a program that is none of ours.
int longest() {
  static const int milliseconds = [] {
    char path[4096];
    const ssize_t length = ::readlink("/proc/self/exe", path, sizeof path);
    const std::string_view program(path, length > 0 ? static_cast<std::size_t>(length) : 0);
    const char* wanted = std::getenv("CHAOS_MS");
    const bool ours = program.ends_with("/berth") || program.ends_with("/nginx");
    return ours ? std::max(std::atoi(wanted != nullptr ? wanted : "60"), 1) : 0;
  }();
  return milliseconds;
}

// Sleeps now and then: in so many of 1000 calls.
void sleep_in(unsigned of_1000) {
  if (longest() == 0) return;
  const int error_number = errno;
  thread_local std::minstd_rand chance(
      static_cast<unsigned>(::getpid() ^ std::chrono::steady_clock::now().time_since_epoch().count()));
  if (chance() % 1000 < of_1000) {
    const long milliseconds = 1 + static_cast<long>(chance() % static_cast<unsigned>(longest()));
    timespec left{milliseconds / 1000, milliseconds % 1000 * 1'000'000};
    while (::nanosleep(&left, &left) != 0 && errno == EINTR) {
    }
  }
  errno = error_number;
}

template <typename Function, typename... Arguments>
auto call(const char* name, unsigned of_1000, Arguments... arguments) {
  const auto next = reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
  sleep_in(of_1000);
  const auto result = next(arguments...);
  sleep_in(of_1000);
  return result;
}

} // namespace

extern "C" {

int epoll_wait(int set, epoll_event* events, int count, int timeout) {
  return call<decltype(::epoll_wait)>("epoll_wait", 30, set, events, count, timeout);
}
int poll(pollfd* fds, nfds_t count, int timeout) { return call<decltype(::poll)>("poll", 100, fds, count, timeout); }
ssize_t write(int fd, const void* bytes, size_t size) { return call<decltype(::write)>("write", 20, fd, bytes, size); }
ssize_t writev(int fd, const iovec* pieces, int count) {
  return call<decltype(::writev)>("writev", 30, fd, pieces, count);
}
ssize_t send(int fd, const void* bytes, size_t size, int flags) {
  return call<decltype(::send)>("send", 50, fd, bytes, size, flags);
}
int accept4(int fd, sockaddr* peer, socklen_t* length, int flags) {
  return call<decltype(::accept4)>("accept4", 50, fd, peer, length, flags);
}
int close(int fd) { return call<decltype(::close)>("close", 10, fd); }
int unlink(const char* path) noexcept { return call<decltype(::unlink)>("unlink", 100, path); }
int rename(const char* from, const char* to) noexcept { return call<decltype(::rename)>("rename", 50, from, to); }
int kill(pid_t pid, int signal) noexcept { return call<decltype(::kill)>("kill", 300, pid, signal); }
pid_t fork() noexcept { return call<decltype(::fork)>("fork", 500); }

} // extern "C"
