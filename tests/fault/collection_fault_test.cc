// What a collection, and whoever brings something back, leave behind when the disk fails, is full, or loses power at
// any call: all that is named can be read, what was acknowledged is in its place, and the next run ends as this one
// would.
#include <catch2/catch.hpp>

#include "fault/faulty_ops.h"
#include "fault/push.h"
#include "storage/collect/quarantine.h"
#include "storage/collect/sweep.h"
#include "storage/paths.h"
#include "storage/put_files.h"
#include "unit/temp_dir.h"

using namespace berth;
using namespace std::chrono_literals;
using test::Acknowledged;
using test::call_step;
using test::FailingOps;
using test::ForgetfulOps;
using test::max_calls;
using test::Store;
namespace paths = storage::paths;

namespace {

const auto garbage = model::CanonicalDigest::of_bytes("garbage");
const std::string garbage_link = paths::layer_link(model::RepositoryName::parse("team/app").value(), garbage);
const std::string repository_name = "team/app";

// A store into which an image was pushed, with garbage, and with a live layer and its link parked by mistake.
struct Place {
  Place(driver::FsOps& ops, Acknowledged& acknowledged) : Place() {
    Store store(root, ops);
    acknowledged = test::push(store, spool);
    REQUIRE(acknowledged.tag_target);
    driver::Filesystem files(root, ops, random);
    REQUIRE(files.put(storage::in_order(driver::PutFile{paths::blob_data(garbage), Content::of("garbage")},
                                        driver::PutFile{garbage_link, Content::of(garbage.str())})));
    layer = model::CanonicalDigest::parse(acknowledged.blobs.rbegin()->first).value();
    const std::vector<storage::Names> wrong{storage::names_of(*layer), storage::names_of_link(layer_link())};
    REQUIRE(storage::Quarantine(files).park(wrong));
    for (const storage::Names& names : wrong) REQUIRE(files.settle(names.place.substr(0, names.place.rfind('/'))));
  }
  Place() {
    std::filesystem::create_directory(root);
    std::filesystem::create_directory(spool);
  }
  std::string layer_link() const {
    return paths::layer_link(model::RepositoryName::parse(repository_name).value(), *layer);
  }

  test::TempDir dir;
  std::string root = dir.path() + "/root";
  std::string spool = dir.path() + "/spool";
  SystemRandom random;
  std::optional<model::CanonicalDigest> layer;
};

storage::Swept run(const std::string& root, driver::FsOps& ops, const Acknowledged& acknowledged,
                   const std::string& layer_link) {
  SystemRandom random;
  NullLogger logger;
  driver::Filesystem files(root, ops, random);
  storage::LiveSet live;
  for (const auto* all : {&acknowledged.blobs, &acknowledged.manifests})
    for (const auto& [name, bytes] : *all) live.add(model::CanonicalDigest::of_bytes(bytes));
  live.seal();
  const std::vector<storage::DeadLink> links{{garbage_link}, {layer_link, true}};
  // A mark of tomorrow, before which everything is old.
  return storage::sweep({files, nullptr, logger}, live, links, SystemClock().now() + 24h, {.grace = 0s}, nullptr);
}

bool is_there(const std::string& root, const std::string& path) { return std::filesystem::exists(root + path); }

// What garbage has come to, and whether it can be read.
bool is_readable(const std::string& root) {
  return is_there(root, paths::blob_data(garbage)) || is_there(root, paths::parked_blob(garbage));
}

void check_ends(const std::string& root, const Acknowledged& acknowledged, const std::string& layer_link) {
  FailingOps healthy;
  Store store(root, healthy);
  CHECK(test::missing_from(store, acknowledged).empty());
  CHECK(test::faults_of(root).empty());
  for (int i = 0; i < 2; ++i) CHECK(run(root, healthy, acknowledged, layer_link).failed == 0);
  CHECK_FALSE(is_readable(root));
  CHECK_FALSE(is_there(root, garbage_link));
  CHECK(is_there(root, layer_link));
  CHECK_FALSE(is_there(root, paths::parked_link(layer_link)));
  Store again(root, healthy);
  CHECK(test::missing_from(again, acknowledged).empty());
  CHECK(test::faults_of(root).empty());
}

} // namespace

TEST_CASE("collection: call N fails, or the disk is full from call N on, for every N") {
  const bool once = GENERATE(true, false);
  const int runs = GENERATE(1, 2); // of which the second frees what the first has parked
  int failures = 0;
  for (int n = 1; n < max_calls; n += call_step) {
    FailingOps ops;
    Acknowledged acknowledged;
    const Place place(ops, acknowledged);
    ops.first_failing = ops.calls + n;
    if (once) ops.last_failing = ops.first_failing;
    ops.error_number = once ? EIO : ENOSPC;
    CAPTURE(once, runs, n);
    for (int i = 0; i < runs; ++i) static_cast<void>(run(place.root, ops, acknowledged, place.layer_link()));
    if (!ops.has_failed()) break;
    ++failures;
    if (runs == 1) CHECK(is_readable(place.root));
    check_ends(place.root, acknowledged, place.layer_link());
  }
  CHECK(failures * call_step > 10);
}

TEST_CASE("collection: the power is cut at call N, for every N") {
  const int runs = GENERATE(1, 2);
  int cuts = 0;
  for (int n = 1; n < max_calls; n += call_step) {
    ForgetfulOps ops;
    Acknowledged acknowledged;
    const Place place(ops, acknowledged), after;
    ops.first_failing = ops.calls + n;
    CAPTURE(runs, n);
    for (int i = 0; i < runs; ++i) static_cast<void>(run(place.root, ops, acknowledged, place.layer_link()));
    const bool is_last = !ops.has_failed(); // then it is cut at the end
    ++cuts;
    ops.restore(place.root, after.root);
    if (runs == 1) CHECK(is_readable(after.root));
    check_ends(after.root, acknowledged, place.layer_link());
    if (is_last) break;
  }
  CHECK(cuts * call_step > 10);
}

TEST_CASE(
    "bringing back fails, or the power is cut, at call N, for every N: whoever was told of it finds it in place") {
  const bool power_cut = GENERATE(false, true);
  int failures = 0;
  for (int n = 1; n < max_calls; n += call_step) {
    ForgetfulOps ops;
    Acknowledged acknowledged;
    const Place place(ops, acknowledged), after;
    Store store(place.root, ops);
    ops.first_failing = ops.calls + n;
    if (!power_cut) ops.last_failing = ops.first_failing;
    const bool told = store.repository(repository_name)->blobs().stat(*place.layer).has_value();
    CAPTURE(power_cut, n, told);
    const bool is_last = !ops.has_failed();
    if (is_last) REQUIRE(told);
    failures += is_last ? 0 : 1;
    if (power_cut) ops.restore(place.root, after.root);
    const std::string& root = power_cut ? after.root : place.root;
    CHECK((is_there(root, paths::blob_data(*place.layer)) || !told));
    CHECK((is_there(root, place.layer_link()) || !told));
    check_ends(root, acknowledged, place.layer_link());
    if (is_last) break;
  }
  CHECK(failures * call_step > 5);
}

TEST_CASE("a deletion of what is parked, cut at call N, for every N: once acknowledged, it does not come back") {
  int failures = 0;
  for (int n = 1; n < max_calls; n += call_step) {
    ForgetfulOps ops;
    Acknowledged acknowledged;
    const Place place(ops, acknowledged), after;
    Store store(place.root, ops);
    ops.first_failing = ops.calls + n;
    const bool told = store.repository(repository_name)->blobs().remove(*place.layer).has_value();
    CAPTURE(n, told);
    const bool is_last = !ops.has_failed();
    if (is_last) REQUIRE(told);
    failures += is_last ? 0 : 1;
    ops.restore(place.root, after.root);
    FailingOps healthy;
    Store revived(after.root, healthy);
    CHECK((!told || !revived.repository(repository_name)->blobs().stat(*place.layer)));
    if (is_last) break;
  }
  CHECK(failures * call_step > 0);
}

TEST_CASE("a quarantine that does not sync would be found out") {
  // The test of the test.
  class Lazy final : public ForgetfulOps {
  public:
    bool lazy = false;

  private:
    int fsync(int fd) override { return lazy ? 0 : ForgetfulOps::fsync(fd); }
  };
  Lazy ops;
  Acknowledged acknowledged;
  const Place place(ops, acknowledged), after;
  Store store(place.root, ops);
  ops.lazy = true;
  REQUIRE(store.repository(repository_name)->blobs().stat(*place.layer));
  ops.restore(place.root, after.root);
  CHECK_FALSE(is_there(after.root, paths::blob_data(*place.layer)));
}
