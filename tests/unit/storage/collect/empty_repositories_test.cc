// Repositories that have nothing but empty directories, on a file system: which go, and which stay.
#include <catch2/catch.hpp>

#include <atomic>
#include <filesystem>
#include <thread>
#include <utility>

#include "driver/filesystem.h"
#include "storage/collect/empty_repositories.h"
#include "storage/put_files.h"
#include "unit/storage/fixture.h"

using namespace berth;
using namespace std::chrono_literals;

namespace {

namespace fs = std::filesystem;

struct Store {
  test::TempDir dir;
  driver::FsOps ops;
  SystemRandom random;
  driver::Filesystem driver{dir.path() + "/store", ops, random};

  std::string host(const std::string& path) const {
    return dir.path() + "/store/docker/registry/v2/repositories/" + path;
  }
  void make(const std::string& path) const { fs::create_directories(host(path)); }
  void put(const std::string& path) {
    REQUIRE(driver.put(
        storage::in_order(driver::PutFile{"/docker/registry/v2/repositories/" + path, Content::of(std::string("x"))})));
  }
  // After so long.
  bool removes(const std::string& name, std::chrono::nanoseconds later, bool dry_run = false) {
    const Time began = SystemClock().now() + later;
    const auto gone = storage::remove_if_empty(driver, test::name(name), {began, 24h, dry_run});
    REQUIRE(gone);
    return *gone;
  }
};

} // namespace

TEST_CASE("a repository of empty directories goes when it is old, with what it alone was in") {
  Store store;
  store.make("team/app/_layers/sha256/0011");
  store.make("team/app/_manifests/tags");
  store.make("team/app/_manifests/revisions/sha256");
  store.make("team/app/_uploads");
  CHECK_FALSE(store.removes("team/app", 23h));
  CHECK(store.removes("team/app", 25h, true));
  CHECK(fs::exists(store.host("team/app/_layers")));
  CHECK(store.removes("team/app", 25h));
  CHECK_FALSE(fs::exists(store.host("team")));
  CHECK(fs::exists(store.host("")));
}

TEST_CASE("what has anything in it stays whole") {
  const std::string file =
      GENERATE("app/_layers/sha256/0011/link", "app/_layers/sha256/0011/collected", "app/_uploads/1/startedat",
               "app/_manifests/tags/one/current/link", "app/_manifests/revisions/sha256/22/link");
  CAPTURE(file);
  Store store;
  store.make("app/_layers/sha256/99");
  store.make("app/_manifests/tags");
  store.put(file);
  CHECK_FALSE(store.removes("app", 1000h));
  CHECK(fs::exists(store.host(file)));
  CHECK(fs::exists(store.host("app/_layers/sha256/99")));
}

TEST_CASE("repositories below an empty one stay, and it goes from the catalogs") {
  Store store;
  store.make("app/_layers/sha256");
  store.make("app/_manifests");
  store.put("app/below/_manifests/tags/one/current/link");
  CHECK(store.removes("app", 25h));
  CHECK_FALSE(fs::exists(store.host("app/_layers"))); // by which docker-registry 2 finds repositories
  CHECK_FALSE(fs::exists(store.host("app/_manifests")));
  CHECK(fs::exists(store.host("app/below/_manifests/tags/one/current/link")));
}

TEST_CASE("directories that lead in a circle are left alone") {
  Store store;
  store.make("app/_layers/sha256");
  fs::create_directory_symlink(store.host("app/_layers"), store.host("app/_layers/sha256/again"));
  CHECK_FALSE(store.removes("app", 25h));
}

TEST_CASE("whoever puts something into a repository that is being removed finds it there") {
  Store store;
  constexpr int rounds = 300;
  std::atomic<int> put = 0;
  std::string failed;
  std::thread writer([&] {
    for (; put < rounds; ++put) {
      const std::string path = "/docker/registry/v2/repositories/app/_layers/sha256/" + std::to_string(put) + "/link";
      const auto done = store.driver.put(storage::in_order(driver::PutFile{path, Content::of(std::string("x"))}));
      const auto there = store.driver.stat(path);
      if (!done) failed = done.error().message;
      if (done && !there) failed = there.error().message;
      if (!failed.empty()) put = 2 * rounds;
      static_cast<void>(store.driver.remove(path, driver::Durability::scratch));
    }
  });
  int removed = 0;
  // A driver makes the directories of what it puts a hundred times, and then says that they go; no age of an empty
  // repository leads to that, but a loop without one does.
  constexpr int most_a_put = 50;
  for (int times = 0, seen = 0; put < rounds; ++times) {
    if (put != std::exchange(seen, put)) times = 0;
    if (times < most_a_put)
      removed += storage::remove_if_empty(store.driver, test::name("app"), {}).value() ? 1 : 0;
    else
      std::this_thread::yield();
  }
  writer.join();
  CHECK(failed == "");
  CHECK(put == rounds);
  CHECK(removed > 0);
}
