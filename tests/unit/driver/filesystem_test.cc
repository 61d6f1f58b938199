// What is the filesystem driver's own; the promises of every driver are in contract/.
#include <catch2/catch.hpp>

#include <sys/stat.h>

#include <atomic>
#include <thread>

#include "driver/filesystem.h"
#include "unit/temp_dir.h"

using namespace berth;
using namespace berth::driver;

namespace {

struct Store {
  test::TempDir dir;
  FsOps ops;
  SystemRandom random;
  std::string root = dir.path() + "/root";
  Filesystem driver{root, ops, random};
};

std::vector<PutFile> only(std::string path, Content content) {
  std::vector<PutFile> files;
  files.push_back({std::move(path), std::move(content)});
  return files;
}

mode_t mode_of(const std::string& path) {
  struct stat info{};
  REQUIRE(::stat(path.c_str(), &info) == 0);
  return info.st_mode & 07777;
}

std::size_t files_below(const std::string& path) {
  if (!std::filesystem::exists(path)) return 0;
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(path))
    count += entry.is_regular_file() ? 1 : 0;
  return count;
}

} // namespace

TEST_CASE("files and directories have docker/distribution's modes") {
  Store store;
  const mode_t mask = ::umask(0);
  ::umask(mask);
  REQUIRE(store.driver.put_scratch("/a/link", "x"));
  const std::string spooled = store.dir.write("spooled", "x");
  std::filesystem::permissions(spooled, std::filesystem::perms(0600));
  REQUIRE(store.driver.put(only("/b/data", Content::open(spooled).value())));
  CHECK(mode_of(store.root + "/a/link") == (0666 & ~mask));
  CHECK(mode_of(store.root + "/b/data") == (0666 & ~mask));
  CHECK(mode_of(store.root + "/b") == (0777 & ~mask));
}

TEST_CASE("a file is taken, not copied: the same inode") {
  Store store;
  const std::string spooled = store.dir.write("spooled", "bytes");
  struct stat before{}, after{};
  REQUIRE(::stat(spooled.c_str(), &before) == 0);
  REQUIRE(store.driver.put(only("/b/data", Content::open(spooled).value())));
  REQUIRE(::stat((store.root + "/b/data").c_str(), &after) == 0);
  CHECK(before.st_ino == after.st_ino);
}

TEST_CASE("a file that has lost its name cannot be taken, and one that is taken replaces what is there") {
  Store store;
  const Content lost = Content::open(store.dir.write("spooled", "lost")).value();
  std::filesystem::remove(store.dir.path() + "/spooled");
  CHECK_FALSE(store.driver.append("/u/data", 0, lost));
  REQUIRE(store.driver.append("/u/data", 0, Content::of("rubbish of a dead writer")));
  const Content taken = Content::open(store.dir.write("spooled", "taken")).value();
  REQUIRE(store.driver.append("/u/data", 0, taken));
  CHECK(store.driver.get_content("/u/data", 100).value() == "taken");
  CHECK(files_below(store.root + "/berth/tmp") == 0);
}

TEST_CASE("nothing is left in the temporary directory") {
  Store store;
  REQUIRE(store.driver.put_scratch("/a/b", "x"));
  REQUIRE(store.driver.put_scratch("/a/c/d/e", "x"));
  REQUIRE(store.driver.remove("/a", Durability::durable));
  CHECK_FALSE(store.driver.put_scratch("/berth", "x")); // is a directory
  CHECK_FALSE(store.driver.put(only("/berth", Content::of("x"))));
  CHECK_FALSE(store.driver.put(only("/berth", Content::open(store.dir.write("spooled", "x")).value())));
  CHECK(files_below(store.root + "/berth/tmp") == 0);
}

TEST_CASE("a file that is replaced is read as it was or as it is") {
  Store store;
  const std::string a(3000, 'a'), b(5000, 'b');
  REQUIRE(store.driver.put_scratch("/f", a));
  std::atomic<bool> done = false;
  std::thread writer([&] {
    for (int i = 0; i < 500; ++i) static_cast<void>(store.driver.put_scratch("/f", i % 2 ? a : b));
    done = true;
  });
  int odd = 0;
  while (!done) {
    const auto bytes = store.driver.get_content("/f", 10000);
    odd += bytes && (*bytes == a || *bytes == b) ? 0 : 1;
  }
  writer.join();
  CHECK(odd == 0);
}

TEST_CASE("writing beneath a directory that somebody keeps removing succeeds in the end") {
  Store store;
  std::atomic<bool> done = false;
  std::thread remover([&] {
    while (!done) static_cast<void>(store.driver.remove("/t/tag", Durability::scratch));
  });
  int failures = 0;
  for (int i = 0; i < 300; ++i) failures += store.driver.put_scratch("/t/tag/current/link", "x") ? 0 : 1;
  done = true;
  remover.join();
  CHECK(failures == 0);
}

TEST_CASE("of many that lock at once, one gets it") {
  Store store;
  REQUIRE(store.driver.put_scratch("/l", ""));
  std::atomic<int> holders = 0, most = 0, won = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 200; ++i)
        if (const auto lock = store.driver.lock("/l")) {
          const int now = ++holders;
          if (now > most) most = now;
          ++won;
          --holders;
        }
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(most == 1);
  CHECK(won > 0);
}

namespace {

ino_t inode_of(const std::string& path) {
  struct stat info{};
  REQUIRE(::stat(path.c_str(), &info) == 0);
  return info.st_ino;
}

// Makes /u/<name>/startedat and discards it: from then on there is a spare. The inode it has.
ino_t leave_spare(Store& store, const std::string& name) {
  auto lock = store.driver.make_locked("/u/" + name + "/startedat", "the first time");
  REQUIRE(lock);
  const ino_t inode = inode_of(store.root + "/u/" + name + "/startedat");
  REQUIRE(store.driver.discard("/u/" + name + "/startedat", *std::move(lock)));
  return inode;
}

std::string only_entry_of(const std::string& directory) {
  const auto entry = std::filesystem::directory_iterator(directory);
  REQUIRE(entry != std::filesystem::directory_iterator());
  return entry->path();
}

} // namespace

TEST_CASE("a discarded directory and its file are those of the next one, and go with the driver") {
  Store store;
  const ino_t first = leave_spare(store, "1");
  REQUIRE(store.driver.make_locked("/u/2/startedat", "now"));
  CHECK(inode_of(store.root + "/u/2/startedat") == first);
  {
    Filesystem another(store.root, store.ops, store.random);
    auto lock = another.make_locked("/u/3/startedat", "now");
    REQUIRE(lock);
    REQUIRE(another.discard("/u/3/startedat", *std::move(lock)));
    CHECK(files_below(store.root + "/berth/tmp") == 1);
  }
  CHECK(std::filesystem::is_empty(store.root + "/berth/tmp"));
}

TEST_CASE("a discarded file that has a second name is left as it was") {
  Store store;
  auto lock = store.driver.make_locked("/u/1/startedat", "the first time");
  const std::string backup = store.dir.path() + "/backup";
  std::filesystem::create_hard_link(store.root + "/u/1/startedat", backup);
  REQUIRE(store.driver.discard("/u/1/startedat", *std::move(lock)));
  REQUIRE(store.driver.make_locked("/u/2/startedat", "the second time"));
  CHECK(inode_of(store.root + "/u/2/startedat") != inode_of(backup));
  CHECK(test::read_whole(backup) == "the first time");
}

TEST_CASE("spares that somebody cleared away, or was about to, are not missed") {
  Store store;
  leave_spare(store, "1");
  const std::string spare = only_entry_of(store.root + "/berth/tmp");
  if (GENERATE(true, false))
    std::filesystem::remove_all(spare);
  else
    std::filesystem::remove(spare + "/startedat");
  const auto lock = store.driver.make_locked("/u/2/startedat", "now");
  REQUIRE(lock);
  CHECK(store.driver.get_content("/u/2/startedat", 100).value() == "now");
  CHECK(is(store.driver.lock("/u/2/startedat").error(), Code::busy));
  CHECK(std::filesystem::is_empty(store.root + "/berth/tmp"));
}

TEST_CASE("so many spares are kept, and no more") {
  Store store;
  std::vector<std::unique_ptr<Lock>> locks;
  const auto path = [](int number) { return "/u/" + std::to_string(number) + "/startedat"; };
  for (int i = 0; i < 100; ++i) locks.push_back(store.driver.make_locked(path(i), "x").value());
  for (int i = 0; i < 100; ++i) REQUIRE(store.driver.discard(path(i), std::move(locks[static_cast<std::size_t>(i)])));
  CHECK(files_below(store.root + "/berth/tmp") == 32);
  CHECK(std::filesystem::is_empty(store.root + "/u"));
}
