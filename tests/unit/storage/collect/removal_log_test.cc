// The log of what policies have removed.
#include "storage/collect/removal_log.h"

#include <catch2/catch.hpp>

#include "unit/storage/fixture.h"

using namespace berth;
using namespace berth::test;
using storage::Removal;
using storage::RemovalBatch;

namespace {

const Time noon = parse_rfc3339("2024-05-06T12:00:00Z").value();

Removal removal(const std::string& repository, const std::string& tag_text) {
  return {noon, name(repository), tag(tag_text), digest_of(tag_text), "policy 1 (ci/**): no entry keeps it"};
}

std::vector<Removal> all(Fixture& store) {
  std::vector<Removal> found;
  REQUIRE(storage::each_removal(store.driver, [&](const Removal& each) -> Result<> {
    found.push_back(each);
    return {};
  }));
  return found;
}

std::string tags_of(Fixture& store) {
  std::string text;
  for (const Removal& each : all(store)) text += (each.tag ? each.tag->str() : "-") + " ";
  return text;
}

} // namespace

TEST_CASE("what is removed is in the log before it goes, and stays if it went") {
  Fixture store;
  CHECK(all(store).empty());
  auto batch = RemovalBatch::begin(store.driver, store.random, noon,
                                   {removal("ci/a", "one"), removal("ci/a", "two"), removal("ci/b", "three")});
  REQUIRE(batch);
  CHECK(tags_of(store) == "one two three ");
  REQUIRE(batch->end({removal("ci/a", "one"), removal("ci/b", "three")}));
  CHECK(tags_of(store) == "one three ");
  const Removal found = all(store).at(1);
  CHECK(found.time == noon);
  CHECK(found.repository == name("ci/b"));
  CHECK(found.digest == digest_of("three"));
  CHECK(found.rule == "policy 1 (ci/**): no entry keeps it");

  auto nothing = RemovalBatch::begin(store.driver, store.random, noon, {removal("ci/c", "four")});
  REQUIRE(nothing);
  REQUIRE(nothing->end({}));
  CHECK(store.names(storage::paths::removed()).size() == 1);
}

TEST_CASE("a manifest without a tag can be in the log of removals") {
  Fixture store;
  Removal untagged = removal("a", "x");
  untagged.tag = std::nullopt;
  REQUIRE(RemovalBatch::begin(store.driver, store.random, noon, {untagged}));
  REQUIRE(all(store).size() == 1);
  CHECK_FALSE(all(store).front().tag);
}

TEST_CASE("batches of removals are read oldest first, and forgotten by age") {
  Fixture store;
  using std::chrono::hours;
  REQUIRE(RemovalBatch::begin(store.driver, store.random, noon + hours(2), {removal("a", "late")}));
  REQUIRE(RemovalBatch::begin(store.driver, store.random, noon, {removal("a", "early")}));
  REQUIRE(RemovalBatch::begin(store.driver, store.random, noon + hours(1), {removal("a", "middle")}));
  CHECK(tags_of(store) == "early middle late ");
  REQUIRE(storage::forget_removals(store.driver, noon + hours(1)));
  CHECK(tags_of(store) == "middle late ");
  REQUIRE(storage::forget_removals(store.driver, noon));
  CHECK(tags_of(store) == "middle late ");
}

TEST_CASE("what cannot be read in the log of removals is passed over") {
  Fixture store;
  const std::string file = storage::paths::removed() + "/20240506T120000Z-1";
  REQUIRE(RemovalBatch::begin(store.driver, store.random, noon, {removal("a", "good")}));
  const std::string line =
      store.content(storage::paths::removed() + "/" + store.names(storage::paths::removed()).front());
  REQUIRE(store.driver.put_scratch(file, "rubbish\n\n[]\n{}\n" + line + R"({"time":1})" + "\n" +
                                             line.substr(0, line.size() / 2)));
  CHECK(tags_of(store) == "good good ");
}
