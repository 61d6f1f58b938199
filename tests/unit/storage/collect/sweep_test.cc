// What a sweep parks, frees and brings back, by whose clock, and what it leaves alone.
#include <catch2/catch.hpp>

#include <functional>
#include <thread>

#include "driver/filesystem.h"
#include "storage/collect/quarantine.h"
#include "storage/collect/sweep.h"
#include "storage/put_files.h"
#include "unit/storage/fixture.h"
#include "unit/temp_dir.h"

using namespace berth;
using namespace std::chrono_literals;
using storage::Step;
using storage::Swept;

namespace {

class Forgotten final : public registry::DescriptorCache {
public:
  std::unique_ptr<registry::BlobDescriptorService> before(registry::AuthoritativeStatter&,
                                                          const model::RepositoryName&) override {
    return nullptr;
  }
  void forget(const std::vector<model::Digest>& gone) override {
    for (const model::Digest& digest : gone) blobs.push_back(digest.str());
  }
  std::vector<std::string> blobs;
};

// A store with some files, and a collector.
struct Place {
  model::CanonicalDigest put(const std::string& bytes) {
    const auto digest = test::digest_of(bytes);
    put_file(storage::paths::blob_data(digest), bytes);
    return digest;
  }
  void put_file(const std::string& path, const std::string& bytes) {
    REQUIRE(driver.put(storage::in_order(driver::PutFile{path, Content::of(bytes)})));
  }
  bool has(const std::string& path) { return driver.stat(path).has_value(); }
  // "place parked"
  std::string where(const model::CanonicalDigest& digest) {
    return std::string(has(storage::paths::blob_data(digest)) ? "place " : "- ") +
           (has(storage::paths::parked_blob(digest)) ? "parked" : "-");
  }
  Swept run(std::initializer_list<model::CanonicalDigest> live, storage::Duration grace, bool now = false,
            bool dry_run = false) {
    pass_a_tick();
    storage::LiveSet set;
    for (const auto& digest : live) set.add(digest);
    set.seal();
    told.clear();
    const Time began = storage::store_time(driver).value();
    return storage::sweep({driver, &cache, logger}, set, links, began, {grace, dry_run, now},
                          [&](Step step, const std::string& path, std::uint64_t) { told.emplace_back(step, path); });
  }
  // The clocks of file systems have ticks of some milliseconds.
  void pass_a_tick() { std::this_thread::sleep_for(10ms); }

  test::TempDir dir;
  driver::FsOps ops;
  SystemRandom random;
  driver::Filesystem driver{dir.path() + "/root", ops, random};
  NullLogger logger;
  Forgotten cache;
  std::vector<storage::DeadLink> links;
  std::vector<std::pair<Step, std::string>> told;
};

constexpr auto none = 0s; // of grace

} // namespace

TEST_CASE("what is not live is parked by one run, and freed by a later one") {
  Place store;
  const auto kept = store.put("kept"), gone = store.put("gone");
  const Swept first = store.run({kept}, none);
  CHECK(store.where(kept) == "place -");
  CHECK(store.where(gone) == "- parked");
  CHECK(first.blobs.parked.count == 1);
  CHECK(first.blobs.parked.bytes == 4);
  CHECK(first.blobs.freed.count == 0);
  CHECK(store.told == std::vector{std::pair(Step::park, storage::paths::blob_data(gone))});
  CHECK(store.cache.blobs == std::vector{gone.str()});
  const Swept second = store.run({kept}, none);
  CHECK(store.where(gone) == "- -");
  CHECK(second.blobs.freed.count == 1);
  CHECK(second.blobs.freed.bytes == 4);
  CHECK(second.failed == 0);
  CHECK(store.cache.blobs.size() == 2);
  CHECK_FALSE(store.has(storage::paths::blob_shard(gone.hex().substr(0, 2)) + "/" + std::string(gone.hex())));
  CHECK(store.told == std::vector{std::pair(Step::free, storage::paths::blob_data(gone))});
}

TEST_CASE("what is parked waits for the grace, which begins again when it is parked again") {
  Place store;
  const auto blob = store.put("blob");
  REQUIRE(store.run({}, 100ms).blobs.parked.count == 0); // young
  std::this_thread::sleep_for(120ms);
  REQUIRE(store.run({}, 100ms).blobs.parked.count == 1);
  const Swept waits = store.run({}, 100ms);
  CHECK(waits.blobs.waiting.count == 1);
  CHECK(waits.blobs.waiting.bytes == 4);
  CHECK(store.where(blob) == "- parked");
  std::this_thread::sleep_for(60ms);
  REQUIRE(storage::Quarantine(store.driver).bring_back(storage::names_of(blob)));
  CHECK(store.where(blob) == "place parked");
  std::this_thread::sleep_for(60ms);
  CHECK(store.run({}, 100ms).blobs.freed.count == 0); // it was brought back since
  CHECK(store.where(blob) == "place parked");
  std::this_thread::sleep_for(120ms);
  CHECK(store.run({}, 100ms).blobs.parked.count == 1);
  CHECK(store.where(blob) == "- parked");
  CHECK(store.run({}, 100ms).blobs.freed.count == 0);
  std::this_thread::sleep_for(120ms);
  CHECK(store.run({}, 100ms).blobs.freed.count == 1);
  CHECK(store.where(blob) == "- -");
}

TEST_CASE("what is live after all gets its place again, and its parked name goes") {
  Place store;
  const auto blob = store.put("blob"), both = store.put("both");
  REQUIRE(store.run({}, none).blobs.parked.count == 2);
  REQUIRE(storage::Quarantine(store.driver).bring_back(storage::names_of(both)));
  const Swept swept = store.run({blob, both}, none);
  CHECK(swept.blobs.brought_back.count == 1);
  CHECK(store.where(blob) == "place -");
  CHECK(store.where(both) == "place -");
  CHECK(store.driver.get_content(storage::paths::blob_data(blob), 10).value() == "blob");
}

TEST_CASE("now: what was there when the mark began is freed at once, and what came later is not") {
  Place store;
  const auto blob = store.put("blob"), parked = store.put("parked"), kept = store.put("kept");
  REQUIRE(store.run({blob, kept}, none).blobs.parked.count == 1);
  store.pass_a_tick();
  storage::LiveSet live;
  live.add(kept);
  live.seal();
  const Time began = storage::store_time(store.driver).value();
  store.pass_a_tick();
  const auto later = store.put("later");
  const Swept swept =
      storage::sweep({store.driver, nullptr, store.logger}, live, {}, began, {.grace = 24h, .now = true}, nullptr);
  CHECK(swept.blobs.freed.count == 2);
  CHECK(store.where(blob) == "- -");
  CHECK(store.where(parked) == "- -");
  CHECK(store.where(kept) == "place -");
  CHECK(store.where(later) == "place -");
}

TEST_CASE("a dry run tells the same and changes nothing") {
  Place store;
  const auto old = store.put("old");
  REQUIRE(store.run({}, none).blobs.parked.count == 1);
  const auto blob = store.put("blob");
  const Swept dry = store.run({}, none, false, true);
  const auto told = store.told;
  CHECK(dry.blobs.parked.count == 1);
  CHECK(dry.blobs.freed.count == 1);
  CHECK(store.where(old) == "- parked");
  CHECK(store.where(blob) == "place -");
  REQUIRE(store.run({}, none).blobs.freed.count == 1);
  CHECK(store.told == told);
}

TEST_CASE("links are parked, freed and brought back as blobs are, with their directories") {
  Place store;
  const std::string base = "/docker/registry/v2/repositories/a/_layers/sha256/";
  const auto link = [&](char c) { return base + std::string(64, c) + "/link"; };
  for (const char c : {'a', 'b'}) store.put_file(link(c), "sha256:" + std::string(64, c));
  store.links = {{link('a')}, {link('b')}, {link('c')}}; // there is no third one
  CHECK(store.run({}, none).links.parked.count == 2);
  CHECK_FALSE(store.has(link('a')));
  CHECK(store.has(storage::paths::parked_link(link('a'))));
  CHECK(store.cache.blobs.empty());
  store.links = {{link('a')}, {link('b'), true}};
  const Swept swept = store.run({}, none);
  CHECK(swept.links.freed.count == 1);
  CHECK(swept.links.brought_back.count == 1);
  CHECK_FALSE(store.has(base + std::string(64, 'a')));
  CHECK(store.has(link('b')));
  CHECK_FALSE(store.has(storage::paths::parked_link(link('b'))));
  CHECK(swept.failed == 0);
}

TEST_CASE("what other programs leave in the store is passed over") {
  Place store;
  const auto blob = store.put("blob");
  const std::string shard = storage::paths::blob_shard(blob.hex().substr(0, 2));
  store.put_file(shard + "/Thumbs.db", "x");
  store.put_file(shard + "/" + std::string(64, 'g') + "/data", "x");
  store.put_file(storage::paths::parked_shard("00") + "/" + std::string(64, 'f'), "x"); // not where it belongs
  const Swept swept = store.run({blob}, none);
  CHECK(swept.failed == 0);
  CHECK(swept.blobs.parked.count + swept.blobs.freed.count == 0);
  CHECK(store.has(shard + "/Thumbs.db"));
  CHECK(store.has(shard + "/" + std::string(64, 'g') + "/data"));
}

TEST_CASE("what a push replaces while it is parked keeps its place") {
  // A push mends a damaged blob at the worst moment.
  class Mends final : public driver::FsOps {
  public:
    int linkat(const char* open_file, const char* to) override {
      const int linked = FsOps::linkat(open_file, to);
      if (linked == 0 && std::string_view(to).find("/collected/") != std::string_view::npos) mend();
      return linked;
    }
    std::function<void()> mend;
  };
  test::TempDir dir;
  Mends ops;
  SystemRandom random;
  driver::Filesystem store(dir.path(), ops, random);
  const storage::Names names = storage::names_of(test::digest_of("whole"));
  const auto put = [&](const std::string& bytes) {
    REQUIRE(store.put(storage::in_order(driver::PutFile{names.place, Content::of(bytes)})));
  };
  put("da");
  ops.mend = [&] { put("whole"); };
  REQUIRE(storage::Quarantine(store).park(std::vector{names}));
  CHECK(store.get_content(names.place, 10).value() == "whole");
}

TEST_CASE("one blob that cannot be parked keeps no other from being parked") {
  Place store;
  const auto bad = store.put("bad"), good = store.put("good");
  // A directory where the parked name would be: as another program might leave it.
  store.put_file(storage::paths::parked_blob(bad) + "/x", "x");
  const Swept swept = store.run({}, none);
  CHECK(swept.blobs.parked.count == 1);
  CHECK(swept.failed == 1);
  CHECK(store.where(good) == "- parked");
  CHECK(store.has(storage::paths::blob_data(bad)));
}
