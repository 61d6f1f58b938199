// What a push leaves behind when the disk fails at any call, is full from any call on, or loses power at any call.
#include <catch2/catch.hpp>

#include "fault/faulty_ops.h"
#include "fault/push.h"
#include "unit/temp_dir.h"

using namespace berth;
using test::Acknowledged;
using test::call_step;
using test::FailingOps;
using test::ForgetfulOps;
using test::max_calls;
using test::Store;

namespace {

struct Place {
  test::TempDir dir;
  std::string root = dir.path() + "/root";
  std::string spool = dir.path() + "/spool";
  Place() {
    std::filesystem::create_directory(root);
    std::filesystem::create_directory(spool);
  }
};

// The push is made again, as a client would, with a disk that works.
void check_mends(const std::string& root, const std::string& spool) {
  FailingOps healthy;
  Store store(root, healthy);
  const Acknowledged all = test::push(store, spool);
  CHECK(all.tag_target.has_value());
  CHECK(test::missing_from(store, all).empty());
  CHECK(test::faults_of(root).empty());
}

void check_survives(const Place& place, FailingOps& ops, Store& store, const Acknowledged& acknowledged) {
  CHECK(test::faults_of(place.root).empty());
  ops.first_failing = FailingOps::never;
  CHECK(test::missing_from(store, acknowledged).empty());
  check_mends(place.root, place.spool);
}

} // namespace

TEST_CASE("a push on a disk that works is acknowledged whole") {
  const Place place;
  check_mends(place.root, place.spool);
}

TEST_CASE("call N fails, for every N") {
  int failures = 0;
  for (int n = 1; n < max_calls; n += call_step) {
    const Place place;
    FailingOps ops;
    ops.first_failing = ops.last_failing = n;
    ops.error_number = n % 2 == 0 ? EIO : ENOSPC;
    Store store(place.root, ops);
    const Acknowledged acknowledged = test::push(store, place.spool);
    CAPTURE(n);
    if (!ops.has_failed()) break;
    ++failures;
    check_survives(place, ops, store, acknowledged);
  }
  CHECK(failures * call_step > 40);
}

TEST_CASE("the disk is full from call N on, for every N, until there is space again") {
  int failures = 0;
  for (int n = 1; n < max_calls; n += call_step) {
    const Place place;
    FailingOps ops;
    ops.first_failing = n;
    ops.error_number = ENOSPC;
    Store store(place.root, ops);
    const Acknowledged acknowledged = test::push(store, place.spool);
    CAPTURE(n);
    if (!ops.has_failed()) break;
    ++failures;
    check_survives(place, ops, store, acknowledged);
  }
  CHECK(failures * call_step > 40);
}

TEST_CASE("a commit that fails at call N, for every N, can be tried again: nothing has to be sent twice") {
  int failures = 0;
  for (int n = 1; n < max_calls; n += call_step) {
    const Place place;
    FailingOps ops;
    Store store(place.root, ops);
    const auto repository = store.repository("team/app");
    auto created = repository->blobs().create(std::nullopt).value();
    auto& writer = std::get<std::unique_ptr<registry::BlobWriter>>(created);
    REQUIRE(writer->append(Content::of("layer"), registry::Comes::in_chunks));
    const model::UploadId id = writer->id();
    const auto digest = model::CanonicalDigest::of_bytes("layer");
    ops.first_failing = ops.calls + n;
    ops.error_number = ENOSPC;
    const bool committed = writer->commit(Content(), digest).has_value();
    writer.reset();
    CAPTURE(n);
    if (!ops.has_failed()) break;
    ops.first_failing = FailingOps::never;
    if (!committed) { // else only the tidying failed
      ++failures;
      auto again = repository->blobs().resume(id, {});
      REQUIRE(again);
      CHECK((*again)->size() == 5);
      CHECK((*again)->commit(Content(), digest));
    }
    CHECK(repository->blobs().get(digest, 100).value() == "layer");
  }
  CHECK(failures * call_step > 10);
}

TEST_CASE("the power is cut at call N, for every N: what was acknowledged is there, and nothing half-written is") {
  int cuts = 0;
  for (int n = 1; n < max_calls; n += call_step) {
    const Place place, after;
    ForgetfulOps ops;
    ops.first_failing = n; // nothing after the cut reaches the disk
    Store store(place.root, ops);
    const Acknowledged acknowledged = test::push(store, place.spool);
    CAPTURE(n);
    if (!ops.has_failed()) break;
    ++cuts;
    ops.restore(place.root, after.root);
    CHECK(test::faults_of(after.root).empty());
    FailingOps healthy;
    Store revived(after.root, healthy);
    CHECK(test::missing_from(revived, acknowledged).empty());
    check_mends(after.root, after.spool);
  }
  CHECK(cuts * call_step > 40);
}

TEST_CASE("the power is cut after a push: all of it is there") {
  const Place place, after;
  ForgetfulOps ops;
  Store store(place.root, ops);
  const Acknowledged acknowledged = test::push(store, place.spool);
  REQUIRE(acknowledged.tag_target);
  ops.restore(place.root, after.root);
  Store revived(after.root, ops);
  CHECK(test::missing_from(revived, acknowledged).empty());
}

TEST_CASE("a store that does not sync would be found out") {
  // The test of the test: with fsync turned into nothing, the power cut takes the push away.
  class Lazy final : public ForgetfulOps {
    int fsync(int) override { return 0; }
  };
  const Place place, after;
  Lazy ops;
  Store store(place.root, ops);
  const Acknowledged acknowledged = test::push(store, place.spool);
  REQUIRE(acknowledged.tag_target);
  ops.restore(place.root, after.root);
  Store revived(after.root, ops);
  CHECK_FALSE(test::missing_from(revived, acknowledged).empty());
}

TEST_CASE("a deletion fails, or the power is cut, at call N, for every N: no tag points to nothing") {
  const bool power_cut = GENERATE(false, true);
  CAPTURE(power_cut);
  int failures = 0;
  for (int n = 1; n < max_calls; n += call_step) {
    const Place place, after;
    ForgetfulOps ops;
    Store store(place.root, ops);
    REQUIRE(test::push(store, place.spool).tag_target);
    const auto repository = store.repository("team/app");
    const auto target = repository->tags().get(model::Tag::parse("v1").value()).value();
    for (const std::string more : {"v2", "v3"})
      REQUIRE(repository->tags().tag(model::Tag::parse(more).value(), target));
    ops.first_failing = ops.calls + n;
    ops.last_failing = power_cut ? FailingOps::never : ops.first_failing;
    const bool removed = repository->manifests().remove(target).has_value();
    CAPTURE(n);
    if (!ops.has_failed()) break;
    ++failures;
    if (power_cut) ops.restore(place.root, after.root);
    FailingOps healthy;
    Store revived(power_cut ? after.root : place.root, healthy);
    const auto left = revived.repository("team/app");
    const bool there = left->manifests().get(target).has_value();
    const registry::Page page = left->tags().list({}).value();
    for (const std::string& name : page.entries) {
      const auto tag = left->tags().get(model::Tag::parse(name).value());
      CHECK((tag && left->manifests().get(*tag)));
    }
    if (removed) CHECK_FALSE(there);
    CHECK(left->manifests().remove(target).has_value() == there);
    CHECK(left->tags().list({})->entries.empty());
  }
  CHECK(failures * call_step > 10);
}
