// What a push by a v1 client leaves behind when the disk fails at any call, is full, or loses power: what was
// acknowledged is there, and the push can be made again.
#include <catch2/catch.hpp>

#include "driver/file_locks.h"
#include "driver/filesystem.h"
#include "fault/faulty_ops.h"
#include "fault/push.h"
#include "model/v1_push.h"
#include "storage/v1/tags.h"
#include "unit/temp_dir.h"

using namespace berth;
using test::call_step;
using test::FailingOps;
using test::ForgetfulOps;
using test::max_calls;

namespace {

const auto base_id = model::ImageId::parse(std::string(64, '1')).value();
const auto top_id = model::ImageId::parse(std::string(64, '2')).value();
const std::string base_json = R"({"id":")" + base_id.str() + "\"}";
const std::string top_json = R"({"id":")" + top_id.str() + R"(","parent":")" + base_id.str() + "\"}";

// Not compressed: what is tested here are the files.
std::string layer(char c) { return std::string(3000, c); }
std::string payload(const std::string& json, const std::string& bytes) {
  return model::CanonicalDigest::of_bytes(json + "\n" + bytes).str();
}

struct V1Store {
  V1Store(const std::string& root, driver::FsOps& ops)
      : driver(root, ops, random),
        locks(root, ops),
        uploads(driver, clock, random),
        registry({driver, locks, uploads, nullptr, storage::ManifestRules::make({}).value(), random, logger}),
        images({driver, locks, registry, logger, unpacking}),
        tags({driver, registry, images, logger, unpacking}) {}

  SystemClock clock;
  SystemRandom random;
  NullLogger logger;
  driver::Filesystem driver;
  driver::FileLocks locks;
  storage::FileUploads uploads;
  storage::Registry registry;
  storage::Unpacking unpacking{{}};
  storage::V1Images images;
  storage::V1Tags tags;
};

struct Acknowledged {
  bool base = false, top = false, tag = false; // finished by their checksums; tagged
};

bool push_image(V1Store& store, const model::ImageId& id, const std::string& json, const std::string& bytes) {
  const auto put = store.images.put_json(id, json);
  if (!put && is(put.error(), Code::image_exists)) return true; // docker goes on with the next
  return put && store.images.put_layer(id, Content::of(bytes), nullptr) &&
         store.images.put_checksum(id, {payload(json, bytes), {}});
}

Acknowledged push(V1Store& store) {
  Acknowledged done;
  done.base = push_image(store, base_id, base_json, layer('b'));
  done.top = done.base && push_image(store, top_id, top_json, layer('t'));
  const auto repository = store.registry.repository(model::RepositoryName::parse("team/app").value());
  done.tag = done.top && store.tags.tag(*repository, model::Tag::parse("v1").value(), top_id, registry::IfTagged::move,
                                        nullptr, nullptr);
  return done;
}

bool has(V1Store& store, const model::ImageId& id, const std::string& json, const std::string& bytes) {
  const auto image = store.images.find(id, nullptr);
  if (!image || image->json != json) return false;
  std::string read;
  return store.images.read_layer(
             *image,
             [&](std::span<const std::byte> piece) -> Result<> {
               read.append(reinterpret_cast<const char*>(piece.data()), piece.size());
               return {};
             },
             nullptr) &&
         read == bytes;
}

void check_has(V1Store& store, const Acknowledged& done) {
  if (done.base) CHECK(has(store, base_id, base_json, layer('b')));
  if (done.top) CHECK(has(store, top_id, top_json, layer('t')));
  if (!done.tag) return;
  const auto repository = store.registry.repository(model::RepositoryName::parse("team/app").value());
  const auto tag = model::Tag::parse("v1").value();
  CHECK(store.tags.get(*repository, tag, nullptr).value() == top_id);
  const auto manifest = repository->tags().get(tag);
  REQUIRE(manifest);
  const auto bytes = repository->manifests().get(*manifest);
  REQUIRE(bytes);
  const auto info = model::detect_manifest(bytes->bytes);
  REQUIRE(info);
  for (const auto& content : info->contents) CHECK(repository->blobs().get(content.digest, 1 << 20));
}

void check_mends(const std::string& root) {
  FailingOps healthy;
  V1Store store(root, healthy);
  const Acknowledged all = push(store);
  CHECK(all.tag);
  check_has(store, all);
  CHECK(test::faults_of(root).empty());
}

} // namespace

TEST_CASE("v1: call N fails, or the disk is full from call N on, for every N") {
  const bool once = GENERATE(true, false);
  int failures = 0;
  for (int n = 1; n < max_calls; n += call_step) {
    const test::TempDir dir;
    FailingOps ops;
    ops.first_failing = n;
    if (once) ops.last_failing = n;
    ops.error_number = ENOSPC;
    V1Store store(dir.path(), ops);
    const Acknowledged done = push(store);
    CAPTURE(n, once);
    if (!ops.has_failed()) break;
    ++failures;
    CHECK(test::faults_of(dir.path()).empty());
    ops.first_failing = FailingOps::never;
    check_has(store, done);
    check_mends(dir.path());
  }
  CHECK(failures * call_step > 40);
}

TEST_CASE("v1: the power is cut at call N, for every N") {
  int cuts = 0;
  for (int n = 1; n < max_calls; n += call_step) {
    const test::TempDir dir, after;
    ForgetfulOps ops;
    ops.first_failing = n;
    V1Store store(dir.path(), ops);
    const Acknowledged done = push(store);
    CAPTURE(n);
    if (!ops.has_failed()) break;
    ++cuts;
    ops.restore(dir.path(), after.path());
    CHECK(test::faults_of(after.path()).empty());
    FailingOps healthy;
    V1Store revived(after.path(), healthy);
    check_has(revived, done);
    check_mends(after.path());
  }
  CHECK(cuts * call_step > 40);
}

TEST_CASE("v1: the power is cut after a push: all of it is there") {
  const test::TempDir dir, after;
  ForgetfulOps ops;
  V1Store store(dir.path(), ops);
  const Acknowledged done = push(store);
  REQUIRE(done.tag);
  ops.restore(dir.path(), after.path());
  V1Store revived(after.path(), ops);
  check_has(revived, done);
}
