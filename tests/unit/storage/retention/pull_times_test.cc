// When manifests were pulled last.
#include "storage/retention/pull_times.h"

#include <catch2/catch.hpp>

#include "unit/storage/fixture.h"

using namespace berth;
using namespace berth::test;
using std::chrono::hours;
using storage::pull_hour;
using storage::PullTimes;

namespace {

const Time noon = parse_rfc3339("2024-05-06T12:30:00Z").value();

void write(Fixture& store, const std::string& key, Time time) {
  REQUIRE(storage::write_pulls(store.driver, store.random, time, {{key, pull_hour(time)}}));
}

} // namespace

TEST_CASE("the last pull of all that pools wrote down counts, before it is folded and after it") {
  Fixture store;
  write(store, "a/b v1", noon);
  write(store, "a/b v1", noon - hours(7));
  write(store, "a/b v2", noon - hours(9));
  for (int folds = 0; folds < 3; ++folds) {
    const auto times = PullTimes::load(store.driver).value();
    CHECK(times.last(name("a/b"), "v1") == parse_rfc3339("2024-05-06T12:59:59Z").value());
    CHECK(times.last(name("a/b"), "v2") == parse_rfc3339("2024-05-06T03:59:59Z").value());
    CHECK_FALSE(times.last(name("a/b"), "v3"));
    CHECK_FALSE(times.last(name("a"), "v1"));
    REQUIRE(times.fold(store.driver, noon));
    CHECK(store.names(storage::paths::new_pulls()).empty());
    if (folds == 1) write(store, "a/b v2", noon - hours(20)); // older: no news
  }
  write(store, "a/b v1", noon + hours(2)); // newer than what is folded
  CHECK(PullTimes::load(store.driver).value().last(name("a/b"), "v1") == parse_rfc3339("2024-05-06T14:59:59Z").value());
  REQUIRE(PullTimes::load(store.driver).value().fold(store.driver, noon));
  CHECK(storage::write_pulls(store.driver, store.random, noon, {}));
  CHECK(store.names(storage::paths::new_pulls()).empty());
}

TEST_CASE("pulls of years ago are dropped, and what is no line is passed over") {
  Fixture store;
  write(store, "a old", noon - hours(24 * 800));
  write(store, "a new", noon);
  REQUIRE(store.driver.put_scratch(storage::paths::known_pulls(), "rubbish\n12\n12 a\n\n475000 a kept\n-1 a b\n4750"));
  REQUIRE(PullTimes::load(store.driver).value().fold(store.driver, noon));
  const auto times = PullTimes::load(store.driver).value();
  CHECK(times.last(name("a"), "new"));
  CHECK(times.last(name("a"), "kept"));
  CHECK_FALSE(times.last(name("a"), "old"));
  CHECK(store.content(storage::paths::known_pulls()).size() < 40);
}

TEST_CASE("when pulls began to be written down is noted once, until they are not") {
  Fixture store;
  CHECK_FALSE(PullTimes::load(store.driver).value().since());
  REQUIRE(storage::begin_pulls(store.driver, noon));
  REQUIRE(storage::begin_pulls(store.driver, noon + hours(3)));
  CHECK(PullTimes::load(store.driver).value().since() == noon);
  REQUIRE(storage::end_pulls(store.driver));
  REQUIRE(storage::end_pulls(store.driver));
  CHECK_FALSE(PullTimes::load(store.driver).value().since());
  REQUIRE(storage::begin_pulls(store.driver, noon + hours(3)));
  CHECK(PullTimes::load(store.driver).value().since() == noon + hours(3));
}
