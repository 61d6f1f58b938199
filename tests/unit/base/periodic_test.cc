#include "base/periodic.h"

#include <signal.h>

#include <catch2/catch.hpp>

#include <atomic>
#include <optional>
#include <semaphore>

using namespace berth;
using namespace std::chrono_literals;

TEST_CASE("a task is done again and again, after the pause that it asks for") {
  std::counting_semaphore<> done{0};
  const Periodic periodic(0s, [&](const std::stop_token&) -> Periodic::Pause {
    done.release();
    return 1ms;
  });
  for (int i = 0; i < 3; ++i) done.acquire();
}

TEST_CASE("a pause ends when the owner goes, and the task is not done any more") {
  std::atomic<int> times = 0;
  {
    const Periodic periodic(24h, [&](const std::stop_token&) -> Periodic::Pause { return ++times, 0s; });
  }
  CHECK(times == 0);
}

TEST_CASE("a task in progress is asked to stop, and waited for") {
  std::binary_semaphore begun{0};
  bool ended = false;
  {
    const Periodic periodic(0s, [&](const std::stop_token& stop) -> Periodic::Pause {
      begun.release();
      while (!stop.stop_requested()) std::this_thread::yield();
      ended = true;
      return 0s;
    });
    begun.acquire();
  }
  CHECK(ended);
}

TEST_CASE("a task gets no signals") {
  std::binary_semaphore done{0};
  sigset_t blocked;
  sigemptyset(&blocked);
  const Periodic periodic(0s, [&](const std::stop_token&) -> Periodic::Pause {
    ::pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
    done.release();
    return 24h;
  });
  done.acquire();
  CHECK(sigismember(&blocked, SIGTERM) == 1);
  CHECK(sigismember(&blocked, SIGINT) == 1);
}
