// Large directories in memory, and what is listed from them: two pools and a foreign writer on one store.
#include <catch2/catch.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <random>

#include "driver/filesystem.h"
#include "storage/catalog.h"
#include "unit/storage/fixture.h"
#include "unit/temp_dir.h"

using namespace berth;
using storage::ListingCache;

namespace {

constexpr std::size_t large = ListingCache::large_names;

// A directory that counts how often it is read, and whose version is what the test says.
class OneDirectory final : public driver::StorageDriver {
public:
  std::optional<driver::Version> version = driver::Version();
  std::vector<std::string> names;
  int reads = 0;
  std::function<void()> while_reading = [] {};

  Result<driver::FileInfo> stat(const std::string&) override { return driver::FileInfo{0, true, version}; }
  Result<std::vector<driver::Entry>> list(const std::string&, const std::string&, std::size_t) override {
    ++reads;
    std::vector<driver::Entry> found;
    for (const std::string& name : names) found.push_back({name, true});
    while_reading();
    return found;
  }
  Result<std::string> get_content(const std::string&, std::size_t) override { return fail(Code::unsupported); }
  Result<Content> open(const std::string&) override { return fail(Code::unsupported); }
  Result<Location> locate(const std::string&) override { return fail(Code::unsupported); }
  Result<> put_scratch(const std::string&, std::string_view) override { return fail(Code::unsupported); }
  Result<> put(std::vector<driver::PutFile>) override { return fail(Code::unsupported); }
  Result<> remove(const std::string&, driver::Durability) override { return fail(Code::unsupported); }
  Result<> discard(const std::string&) override { return fail(Code::unsupported); }
  Result<> settle(const std::string&) override { return fail(Code::unsupported); }
};

std::string numbered(std::size_t number, std::size_t length = 6) {
  std::string digits = std::to_string(number);
  return std::string(length - digits.size(), '0') + digits;
}

std::vector<std::string> many(std::size_t count, std::size_t length = 6) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < count; ++i) names.push_back(numbered(i, length));
  return names;
}

struct Bench {
  OneDirectory driver;
  ListingCache::Time now{};
  ListingCache cache{driver, [this] { return now; }};

  std::size_t listed(const std::string& path = "/d") { return cache.list(path).value()->names.size(); }
};

} // namespace

TEST_CASE("a large directory is read again until its version has been the same for a while, then no more") {
  Bench bench;
  bench.driver.names = many(large);
  bench.listed();
  bench.now += ListingCache::settle_time - std::chrono::milliseconds(1);
  bench.listed();
  CHECK(bench.driver.reads == 2);
  bench.now += std::chrono::milliseconds(1);
  bench.listed(); // from now on it is believed
  for (int i = 0; i < 10; ++i) CHECK(bench.listed() == large);
  CHECK(bench.driver.reads == 3);

  bench.driver.names = many(large + 1);
  bench.driver.version->words[4] = 1;
  CHECK(bench.listed() == large + 1);
  bench.now += std::chrono::hours(1);
  CHECK(bench.listed() == large + 1);
  CHECK(bench.driver.reads == 5);
}

TEST_CASE("where there are no versions, every listing is read") {
  Bench bench;
  bench.driver.version.reset();
  bench.driver.names = many(3);
  for (int i = 0; i < 3; ++i) {
    CHECK(bench.listed() == 3);
    bench.now += ListingCache::settle_time;
  }
  CHECK(bench.driver.reads == 3);
}

TEST_CASE("a change within the tick that the version names is seen") {
  Bench bench;
  bench.driver.names = many(large);
  bench.listed();
  bench.driver.names = many(large + 1); // and the version says nothing
  CHECK(bench.listed() == large + 1);
}

TEST_CASE("a change while a directory is being read is seen by the next who asks") {
  Bench bench;
  bench.driver.names = many(large);
  bench.listed();
  bench.now += ListingCache::settle_time;
  bench.driver.while_reading = [&] {
    bench.driver.names = many(large + 1);
    bench.driver.version->words[4] = 1;
  };
  CHECK(bench.listed() == large);
  CHECK(bench.listed() == large + 1);
}

TEST_CASE("small directories have a room of their own, and neither room holds more than its limit") {
  Bench bench;
  const auto reads_after_settling = [&](const std::string& path) {
    bench.listed(path);
    bench.now += ListingCache::settle_time;
    bench.listed(path);
    const int before = bench.driver.reads;
    bench.listed(path);
    return bench.driver.reads - before;
  };
  bench.driver.names = many(10000, 250); // 2.8 MB
  CHECK(reads_after_settling("/first") == 0);
  for (int i = 0; i < 12; ++i) CHECK(reads_after_settling("/other" + std::to_string(i)) == 0);
  const int before = bench.driver.reads;
  bench.listed("/other11");
  CHECK(bench.driver.reads == before);
  bench.listed("/first"); // made room for the others
  CHECK(bench.driver.reads == before + 1);
  bench.driver.names = many(150000, 250);
  CHECK(reads_after_settling("/huge") == 1);

  bench.driver.names = many(large - 1, 250); // 72 kB
  CHECK(reads_after_settling("/small") == 0);
  for (int i = 0; i < 150; ++i) CHECK(reads_after_settling("/small" + std::to_string(i)) == 0);
  const int small_before = bench.driver.reads;
  bench.listed("/other11"); // no small one takes a large one's place
  CHECK(bench.driver.reads == small_before);
  bench.listed("/small");
  CHECK(bench.driver.reads == small_before + 1);

  bench.driver.names = many(large); // one that grows moves, and is there once
  bench.driver.version->words[4] = 1;
  CHECK(reads_after_settling("/small149") == 0);
  CHECK(bench.listed("/small149") == large);
  bench.driver.names = many(1);
  bench.driver.version->words[4] = 2;
  CHECK(bench.listed("/small149") == 1);
}

TEST_CASE("two pools and a foreign writer: each sees at once what the others did") {
  const test::TempDir dir;
  driver::FsOps ops;
  SystemRandom random;
  driver::Filesystem first(dir.path(), ops, random), second(dir.path(), ops, random);
  ListingCache::Time now{};
  ListingCache one(first, [&] { return now; }), two(second, [&] { return now; });
  const std::filesystem::path folder = dir.path() + "/tags";
  for (const std::string& name : many(large)) std::filesystem::create_directories(folder / name);

  // Lets the file system's clock go on, as it does in the time that the other clock is moved by.
  const auto settle = [&] {
    const auto before = first.stat("/tags")->changed;
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    do {
      std::ofstream(dir.path() + "/probe") << "x";
      REQUIRE(std::chrono::steady_clock::now() < deadline);
    } while (first.stat("/probe")->changed <= before);
    now += ListingCache::settle_time;
  };
  const auto believe = [&] {
    for (ListingCache* cache : {&one, &two}) REQUIRE(cache->list("/tags"));
    settle();
    for (ListingCache* cache : {&one, &two}) {
      const auto kept = cache->list("/tags").value();
      REQUIRE(cache->list("/tags").value() == kept);
    }
  };
  const auto has = [](ListingCache& cache, const std::string& name) {
    return std::ranges::binary_search(cache.list("/tags").value()->names, name);
  };
  const auto both_have = [&](const std::string& name) { return has(one, name) && has(two, name); };
  const auto neither_has = [&](const std::string& name) { return !has(one, name) && !has(two, name); };

  believe();
  std::vector<driver::PutFile> files;
  files.push_back({"/tags/of-one/link", Content::of("x")});
  REQUIRE(first.put(std::move(files)));
  CHECK(both_have("of-one"));
  believe();
  REQUIRE(second.remove("/tags/of-one", driver::Durability::durable));
  CHECK(neither_has("of-one"));
  believe();
  std::filesystem::create_directory(folder / "foreign"); // as docker-registry writes
  CHECK(both_have("foreign"));
  believe();
  std::filesystem::rename(folder / "foreign", folder / "renamed");
  CHECK(both_have("renamed"));
  CHECK(neither_has("foreign"));
  believe();
  std::filesystem::remove(folder / "renamed");
  CHECK(neither_has("renamed"));
  believe();
  std::filesystem::rename(folder, dir.path() + "/gone"); // another directory takes the place
  std::filesystem::create_directories(folder / "new");
  CHECK(both_have("new"));
  CHECK(neither_has(numbered(0)));
}

TEST_CASE("pages of the catalog are the sorted names, whatever is kept and wherever a page begins") {
  driver::Memory driver;
  ListingCache::Time now{};
  NullLogger logger;
  ListingCache cache(driver, [&] { return now; });
  std::vector<std::string> names{"a", "a-b", "a/b", "a/b/c", "a.b", "z/y/x", "z"};
  for (std::size_t i = 0; i < large + 10; ++i) {
    names.push_back("flat" + numbered(i));
    names.push_back("team/app" + numbered(i));
  }
  for (const std::string& name : names)
    REQUIRE(driver.put_scratch(storage::paths::manifests(test::name(name)) + "/x", "x"));
  for (const std::string other :
       {"b/_uploads/x", "team/_layers/x", "no-repository/at-all/x", "Capital/_manifests/x", "file/_manifests"})
    REQUIRE(driver.put_scratch(storage::paths::repositories() + "/" + other, "x"));

  const auto key = [](std::string name) {
    std::ranges::replace(name, '/', '\1');
    return name;
  };
  std::ranges::sort(names, {}, key);
  auto starts = names;
  for (const std::string odd :
       {"", "a/", "a/a", "a/z", "a-", "flat000100/x", "team", "team/", "zz", "0", "_", "/", "A"})
    starts.push_back(odd);
  for (int round = 0; round < 3; ++round, now += ListingCache::settle_time) {
    for (const std::string& last : starts) {
      CAPTURE(round, last);
      const auto first = std::ranges::find_if(names, [&](auto& name) { return last.empty() || key(name) > key(last); });
      const auto left = static_cast<std::size_t>(names.end() - first);
      for (const std::size_t limit : {std::size_t{1}, std::size_t{7}}) {
        const auto page = storage::list_repositories(cache, logger, {last, limit}).value();
        const auto count = static_cast<std::ptrdiff_t>(std::min(limit, left));
        CHECK(page.entries == std::vector<std::string>(first, first + count));
        CHECK(page.more == (left > limit));
      }
    }
    CHECK(storage::list_repositories(cache, logger, {"", std::nullopt})->entries == names);
  }
}

TEST_CASE("links among the repositories are followed, but not in circles, and break no catalog") {
  namespace fs = std::filesystem;
  const test::TempDir dir;
  driver::FsOps ops;
  SystemRandom random;
  NullLogger logger;
  driver::Filesystem driver(dir.path(), ops, random);
  ListingCache cache(driver);
  for (const std::string name : {"a/b", "c"})
    REQUIRE(driver.put_scratch(storage::paths::manifests(test::name(name)) + "/x", "x"));
  const fs::path top = dir.path() + storage::paths::repositories();
  fs::create_directories(dir.path() + "/elsewhere/app/_manifests");
  fs::create_directory_symlink(dir.path() + "/elsewhere", top / "linked");
  fs::create_directory_symlink("..", top / "a/up");
  fs::create_directory_symlink("../a", top / "a/itself");
  fs::create_symlink("nowhere", top / "dangling");
  fs::create_symlink("circle", top / "circle");
  std::ofstream(top / "file") << "x";
  fs::create_directory(top / "with space");
  const std::vector<std::string> expected{"a/b", "c", "linked/app"};
  CHECK(storage::list_repositories(cache, logger, {"", std::nullopt})->entries == expected);
  CHECK(storage::list_repositories(cache, logger, {"a/b", 1})->entries == std::vector<std::string>{"c"});
}
