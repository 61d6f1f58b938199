// What driver/locks.h promises, asked of every implementation.
#include <catch2/catch.hpp>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "driver/file_locks.h"
#include "driver/memory.h"
#include "unit/temp_dir.h"

using namespace berth;
using namespace berth::driver;

namespace {

struct Subject {
  explicit Subject(const std::string& kind) {
    if (kind == "memory")
      locks = std::make_unique<MemoryLocks>();
    else
      locks = std::make_unique<FileLocks>(dir.path() + "/root", ops);
  }
  test::TempDir dir;
  FsOps ops;
  std::unique_ptr<Locks> locks;
};

#define EVERY_KIND GENERATE(std::string("memory"), std::string("files"))

} // namespace

TEST_CASE("a lock is had by one holder, or by all who share it") {
  const Subject subject(EVERY_KIND);
  Locks& locks = *subject.locks;
  std::optional<std::unique_ptr<Lock>> one = locks.shared("/locks/x").value(), two = locks.shared("/locks/x").value();
  std::atomic<bool> excluded = false;
  std::thread other([&] {
    const auto lock = locks.exclusive("/locks/x");
    excluded = lock.has_value();
  });
  one.reset();
  CHECK_FALSE(excluded);
  two.reset();
  other.join();
  CHECK(excluded);
  CHECK(locks.shared("/locks/x"));
  CHECK(locks.exclusive("/locks/y"));
}

TEST_CASE("one holder at a time, and nothing is lost between them") {
  const Subject subject(EVERY_KIND);
  std::atomic<int> count = 0; // read and written in two steps, which the lock alone keeps together
  std::atomic<int> failed = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      for (int turn = 0; turn < 50; ++turn) {
        const auto lock = subject.locks->exclusive("/locks/count");
        if (!lock) ++failed;
        count.store(count.load() + 1);
      }
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(failed == 0);
  CHECK(count == 200);
}

TEST_CASE("who only tries does not wait") {
  const Subject subject(EVERY_KIND);
  Locks& locks = *subject.locks;
  for (const bool shared : {false, true}) {
    const auto held = shared ? locks.shared("/locks/x") : locks.try_exclusive("/locks/x");
    REQUIRE(held);
    const auto begun = std::chrono::steady_clock::now();
    CHECK(locks.try_exclusive("/locks/x").error().code == Code::busy);
    CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds(5));
    CHECK(locks.try_exclusive("/locks/y"));
  }
  CHECK(locks.try_exclusive("/locks/x"));
}

TEST_CASE("nothing but a path of the store is a name") {
  const Subject subject(EVERY_KIND);
  for (const std::string name : {"", "x", "/../x", "/a b"}) {
    CAPTURE(name);
    CHECK(subject.locks->shared(name).error().code == Code::invalid);
    CHECK(subject.locks->exclusive(name).error().code == Code::invalid);
    CHECK(subject.locks->try_exclusive(name).error().code == Code::invalid);
  }
}

// The other process has the lock until it ends, however it ends.
TEST_CASE("a lock of files keeps another process out, and is free when that process has died") {
  const Subject subject("files");
  int ready[2];
  REQUIRE(::pipe(ready) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const auto held = subject.locks->exclusive("/locks/x");
    const char is_held = held ? 'y' : 'n';
    if (::write(ready[1], &is_held, 1) != 1) ::_exit(1);
    ::pause();
    ::_exit(0);
  }
  char is_held = 'n';
  REQUIRE(::read(ready[0], &is_held, 1) == 1);
  CHECK(is_held == 'y');
  std::atomic<bool> got = false;
  std::thread waits([&] { got = subject.locks->exclusive("/locks/x").has_value(); });
  ::usleep(20'000);
  CHECK_FALSE(got);
  ::kill(child, SIGKILL);
  waits.join();
  CHECK(got);
  ::waitpid(child, nullptr, 0);
  for (const int fd : ready) ::close(fd);
}
