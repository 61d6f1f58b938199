// Pools that share a listening socket; with containers and nginx: tests/system/test_compose.py.
#include <catch2/catch.hpp>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <optional>
#include <thread>
#include <vector>

#include "app/supervisor/listen_socket.h"
#include "app/supervisor/shared_socket.h"
#include "unit/temp_dir.h"

using namespace berth;
using app::SharedSocket;

namespace {

ino_t inode_of(const std::string& path) {
  struct stat info{};
  return ::stat(path.c_str(), &info) == 0 ? info.st_ino : 0;
}

// Whether a client of the path reaches whoever accepts on this member's socket.
bool is_reached(const SharedSocket& member, const std::string& path) {
  const auto client = app::connect_to(path);
  if (!client) return false;
  const UniqueFd accepted(::accept4(member.listening().get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  return static_cast<bool>(accepted);
}

std::optional<SharedSocket> member_of(const std::string& path) {
  auto joined = SharedSocket::join(path);
  REQUIRE(joined);
  return *std::move(joined);
}

} // namespace

TEST_CASE("a pool joins those who listen, and goes on when they are gone") {
  const test::TempDir directory;
  const std::string path = directory.path() + "/pool.sock";
  auto first = member_of(path);
  CHECK_FALSE(first->joined_others());
  const ino_t socket = inode_of(path);
  auto second = member_of(path);
  CHECK(second->joined_others());
  CHECK(inode_of(path) == socket);
  CHECK(is_reached(*first, path));
  CHECK(is_reached(*second, path));

  first.reset();
  CHECK(is_reached(*second, path));
  auto third = member_of(path); // from the second, who was given what it gives
  CHECK(third->joined_others());
  second.reset();
  CHECK(is_reached(*third, path));
}

TEST_CASE("a connection that waits when a pool goes is answered by another") {
  const test::TempDir directory;
  const std::string path = directory.path() + "/pool.sock";
  auto first = member_of(path), second = member_of(path);
  const auto client = app::connect_to(path);
  REQUIRE(client);
  first.reset();
  CHECK(UniqueFd(::accept4(second->listening().get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)));
}

TEST_CASE("a pool begins anew where nobody is left, or where nginx cannot reach those who are") {
  const test::TempDir directory;
  const std::string path = directory.path() + "/pool.sock";
  member_of(path).reset();
  CHECK_FALSE(app::connect_to(path)); // a name without anybody behind it
  auto next = member_of(path);
  CHECK_FALSE(next->joined_others());
  CHECK(is_reached(*next, path));

  REQUIRE(::unlink(path.c_str()) == 0);
  auto other = member_of(path);
  CHECK_FALSE(other->joined_others());
  CHECK(is_reached(*other, path));
}

TEST_CASE("a pool that is killed takes nobody with it") {
  const test::TempDir directory;
  const std::string path = directory.path() + "/pool.sock";
  const pid_t child = ::fork();
  if (child == 0) {
    const auto member = SharedSocket::join(path);
    for (;;) ::pause();
  }
  while (!app::connect_to(path + ".share")) std::this_thread::yield();
  auto second = member_of(path);
  CHECK(second->joined_others());
  REQUIRE(::kill(child, SIGKILL) == 0);
  REQUIRE(::waitpid(child, nullptr, 0) == child);
  CHECK(is_reached(*second, path));
  CHECK(member_of(path)->joined_others());
}

TEST_CASE("many who start at once share one socket") {
  const test::TempDir directory;
  const std::string path = directory.path() + "/pool.sock";
  std::vector<std::optional<SharedSocket>> members(8);
  std::vector<std::thread> threads;
  for (auto& member : members)
    threads.emplace_back([&] {
      if (auto joined = SharedSocket::join(path)) member.emplace(*std::move(joined));
    });
  for (std::thread& thread : threads) thread.join();
  int beginners = 0;
  for (const auto& member : members) {
    REQUIRE(member);
    beginners += member->joined_others() ? 0 : 1;
    CHECK(is_reached(*member, path));
  }
  CHECK(beginners == 1);
}
