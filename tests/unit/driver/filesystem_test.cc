// What is the filesystem driver's own; the promises of every driver are in contract/.
#include <catch2/catch.hpp>

#include <sys/stat.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "driver/file_locks.h"
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

TEST_CASE("a file that is put where it is already leaves no second name behind") {
  Store store;
  REQUIRE(store.driver.put(only("/a/data", Content::of("x"))));
  REQUIRE(store.driver.put(only("/b/data", store.driver.open("/a/data").value())));
  REQUIRE(store.driver.put(only("/b/data", store.driver.open("/a/data").value())));
  CHECK(files_below(store.root) == 2);
  CHECK(std::filesystem::hard_link_count(store.root + "/a/data") == 2);
}

TEST_CASE("a file that may have no second name is copied") {
  // As of another owner, where the kernel protects links.
  class NoLinks final : public FsOps {
    int linkat(const char* from, const char* to) override {
      if (std::string_view(from).starts_with("/proc/")) return errno = EPERM, -1;
      return FsOps::linkat(from, to);
    }
  };
  const test::TempDir dir;
  NoLinks ops;
  SystemRandom random;
  Filesystem driver(dir.path() + "/root", ops, random);
  REQUIRE(driver.put(only("/a/data", Content::of("bytes"))));
  REQUIRE(driver.put(only("/b/data", driver.open("/a/data").value())));
  CHECK(driver.get_content("/b/data", 10).value() == "bytes");
  CHECK(files_below(dir.path() + "/root") == 2);
}

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

TEST_CASE("a link in the place of a file leads nobody out of the store; one in that of a directory is followed") {
  namespace fs = std::filesystem;
  Store store;
  const std::string secret = store.dir.write("secret", "key");
  REQUIRE(store.driver.put_scratch("/a/file", "x"));
  fs::create_symlink(secret, store.root + "/a/link");
  fs::create_directory_symlink("a", store.root + "/b");
  fs::create_symlink("circle", store.root + "/circle");
  for (const std::string path : {"/a/link", "/circle", "/circle/x"}) {
    CAPTURE(path);
    CHECK(store.driver.stat(path).error().code == Code::not_found);
    CHECK(store.driver.get_content(path, 10).error().code == Code::not_found);
    CHECK(store.driver.get_content(path, 10'000).error().code == Code::not_found);
    CHECK(store.driver.open(path).error().code == Code::not_found);
  }
  CHECK_FALSE(store.driver.append("/a/link", 0, Content::of("overwritten")));
  CHECK_FALSE(FileLocks(store.dir.path() + "/root", store.ops).exclusive("/a/link"));
  CHECK(Content::open(secret)->size() == 3);
  CHECK(store.driver.get_content("/b/file", 10).value() == "x");
  CHECK(directories_in(store.driver, "/").error().code == Code::invalid);
  REQUIRE(store.driver.put(only("/a/link", Content::of("ours")))); // takes the link's place
  CHECK(store.driver.get_content("/a/link", 10).value() == "ours");
  CHECK(Content::open(secret)->size() == 3);
}

TEST_CASE("foreign names are in no listing, and go with the directory that they are in") {
  namespace fs = std::filesystem;
  Store store;
  REQUIRE(store.driver.put_scratch("/d/a/x", "x"));
  for (const std::string name : {"with space", "lost+found", "\xc3\xa4"}) {
    fs::create_directories(store.root + "/d/" + name + "/below");
    fs::create_directories(store.root + "/d/a/" + name + "/below");
  }
  CHECK(names_in(store.driver, "/d").value() == std::vector<std::string>{"a"});
  CHECK(directories_in(store.driver, "/d").value() == std::vector<std::string>{"a"});
  REQUIRE(store.driver.remove("/d/a", Durability::scratch));
  CHECK(fs::is_empty(store.root + "/berth/tmp"));
}

TEST_CASE("what is discarded is freed, by and by") {
  Store store;
  for (int i = 0; i < 100; ++i) {
    const std::string directory = "/d/" + std::to_string(i);
    REQUIRE(store.driver.put_scratch(directory + "/a/b", "x"));
    REQUIRE(store.driver.discard(directory));
  }
  const auto freed = [&] { return std::filesystem::is_empty(store.root + "/berth/tmp"); };
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!freed() && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  CHECK(freed());
}
