// What storage/collect/quarantine.h promises, on every driver: bringing something back and freeing it never lose it
// between them.
#include <catch2/catch.hpp>

#include <algorithm>
#include <atomic>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "contract/drivers.h"
#include "storage/collect/quarantine.h"
#include "storage/paths.h"
#include "storage/put_files.h"

using namespace berth;
using namespace berth::driver;
using storage::Quarantine;

namespace {

constexpr int rounds = 100, names_a_round = 100;

const auto digest = model::CanonicalDigest::of_bytes("bytes");
const storage::Names names = storage::names_of(digest);

void put(StorageDriver& driver, const std::string& path) {
  REQUIRE(driver.put(storage::in_order(PutFile{path, Content::of("bytes")})));
}

// The waits for the disk are not what is tested.
class NoWaits final : public FsOps {
  int fsync(int) override { return 0; }
  int fsync_all(std::span<const int>) override { return 0; }
};

// Two threads that begin each round together.
// Both at once, until both are done.
void together(const std::function<void()>& one, const std::function<void()>& other) {
  std::atomic<int> ready = 0;
  const auto run = [&](const std::function<void()>& act) {
    ++ready;
    while (ready < 2) std::this_thread::yield();
    act();
  };
  std::thread second([&] { run(other); });
  run(one);
  second.join();
}

} // namespace

#define FOR_EVERY_DRIVER                                                                                               \
  const std::string kind = GENERATE("memory", "filesystem", "objects");                                                \
  CAPTURE(kind);                                                                                                       \
  test::Drivers drivers;                                                                                               \
  NoWaits ops;                                                                                                         \
  SystemRandom random;                                                                                                 \
  const auto of_kind =                                                                                                 \
      kind == "filesystem" ? std::make_unique<Filesystem>(drivers.dir.path(), ops, random) : drivers.any(kind);        \
  StorageDriver& driver = *of_kind;                                                                                    \
  Quarantine quarantine(driver)

TEST_CASE("something is parked, brought back, restored and freed") {
  FOR_EVERY_DRIVER;
  put(driver, names.place);
  REQUIRE(quarantine.park(std::vector{names}));
  CHECK(test::error_of(driver.stat(names.place)) == Code::not_found);
  CHECK(driver.get_content(names.parked, 10).value() == "bytes");
  for (int i = 0; i < 2; ++i) {
    REQUIRE(quarantine.bring_back(names));
    CHECK(driver.get_content(names.place, 10).value() == "bytes");
    CHECK(driver.get_content(names.parked, 10).value() == "bytes");
  }
  REQUIRE(quarantine.park(std::vector{names})); // of which it has both names
  CHECK(test::error_of(driver.stat(names.place)) == Code::not_found);
  REQUIRE(quarantine.restore(std::vector{names}));
  CHECK(driver.get_content(names.place, 10).value() == "bytes");
  CHECK(test::error_of(driver.stat(names.parked)) == Code::not_found);
  CHECK(test::error_of(quarantine.bring_back(names)) == Code::not_found);
  REQUIRE(quarantine.free(names)); // which is not parked
  CHECK(driver.get_content(names.place, 10).value() == "bytes");
  REQUIRE(quarantine.park(std::vector{names}));
  REQUIRE(quarantine.free(names));
  CHECK(test::error_of(driver.stat(names.parked)) == Code::not_found);
  CHECK(test::error_of(quarantine.bring_back(names)) == Code::not_found);
  REQUIRE(quarantine.park(std::vector{names})); // there is nothing
  put(driver, names.place);
  REQUIRE(quarantine.erase(names));
  CHECK(test::error_of(driver.stat(names.place)) == Code::not_found);
}

TEST_CASE("what is brought back while it is freed is in its place, or was not brought back") {
  FOR_EVERY_DRIVER;
  std::vector<storage::Names> all;
  for (int i = 0; i < names_a_round; ++i)
    all.push_back(storage::names_of(model::CanonicalDigest::of_bytes(std::to_string(i))));
  int back = 0, freed = 0;
  for (int round = 0; round < rounds; ++round) {
    for (const storage::Names& one : all) put(driver, one.place);
    REQUIRE(quarantine.park(all));
    std::vector<Result<>> brought(all.size()), let_go(all.size());
    together(
        [&] { std::ranges::transform(all, brought.begin(), [&](auto& one) { return quarantine.bring_back(one); }); },
        [&] { std::ranges::transform(all, let_go.begin(), [&](auto& one) { return quarantine.free(one); }); });
    for (std::size_t i = 0; i < all.size(); ++i) {
      const auto bytes = driver.get_content(all[i].place, 10);
      if (!let_go[i]) FAIL(let_go[i].error().message);
      if (brought[i] && (!bytes || *bytes != "bytes")) FAIL("it was brought back, and is not there");
      if (!brought[i] && !is(brought[i].error(), Code::not_found)) FAIL(brought[i].error().message);
      ++(brought[i] ? back : freed);
    }
  }
  CHECK(back + freed == rounds * names_a_round);
}

TEST_CASE("a reader finds what is parked and restored all the while") {
  FOR_EVERY_DRIVER;
  put(driver, names.place);
  const auto need = GENERATE(registry::Need::to_read, registry::Need::to_keep);
  const auto read = [&](const std::string& path) { return driver.get_content(path, 10); };
  std::atomic<int> lost = 0, looks = 0;
  std::atomic<bool> done = false;
  const auto collect = [&] {
    bool well = true;
    for (int i = 0; i < 1000; ++i) {
      well = well && quarantine.park(std::vector{names}) && quarantine.restore(std::vector{names});
      // No two runs go by during one look.
      const int before = looks;
      while (looks == before) std::this_thread::yield();
    }
    done = true;
    CHECK(well);
  };
  const auto look = [&] {
    while (!done) {
      if (!storage::look_up(driver, names.place, [] { return names.parked; }, need, read)) ++lost;
      ++looks;
    }
  };
  together(collect, look);
  CHECK(lost == 0);
}
