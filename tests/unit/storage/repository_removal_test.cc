// Removing a repository with all that is in it.
#include <catch2/catch.hpp>

#include <atomic>
#include <thread>

#include "driver/file_locks.h"
#include "unit/storage/fixture.h"

using namespace berth;
using namespace berth::test;
using model::media::oci_manifest;

namespace {

const std::string config = "{}";
const std::string image = image_of(digest_of(config));

void push_image(Fixture& fixture, const std::string& repository, const std::string& tagged) {
  const auto target = fixture.repository(repository);
  fixture.push_blob(*target, config);
  REQUIRE(put(*target, oci_manifest, image));
  REQUIRE(target->tags().tag(tag(tagged), digest_of(image)));
}

const std::string top = "/docker/registry/v2/repositories/";

} // namespace

TEST_CASE("a repository is removed with its tags, manifests and layers; its neighbours and blobs stay") {
  Fixture fixture;
  push_image(fixture, "team/app", "one");
  push_image(fixture, "team/app/below", "one");
  push_image(fixture, "team/other", "one");
  REQUIRE(fixture.repository("team/app")->remove());

  const auto gone = fixture.repository("team/app");
  CHECK(gone->tags().list({}).error().code == Code::name_unknown);
  CHECK(gone->manifests().stat(digest_of(image)).error().code == Code::manifest_unknown);
  CHECK(gone->blobs().stat(digest_of(config)).error().code == Code::blob_unknown);
  CHECK(gone->remove().error().code == Code::name_unknown);
  CHECK(fixture.registry.repositories({}).value().entries == std::vector<std::string>{"team/app/below", "team/other"});
  CHECK(fixture.repository("team/app/below")->manifests().get(digest_of(image)));
  CHECK(fixture.repository("team/other")->blobs().stat(digest_of(config)));
  push_image(fixture, "team/app", "again");
  CHECK(fixture.repository("team/app")->tags().list({}).value().entries == std::vector<std::string>{"again"});
}

TEST_CASE("what a removal that was cut short has left is removed by the next one") {
  Fixture fixture;
  push_image(fixture, "a", "one");
  const auto cut = GENERATE(as<std::string>(), "/_manifests/tags", "/_manifests");
  REQUIRE(fixture.driver.remove(top + "a" + cut, driver::Durability::scratch));
  REQUIRE(fixture.repository("a")->remove());
  CHECK(fixture.names(top + "a").empty());
}

TEST_CASE("uploads go with a repository, but for those that are being written", "[files]") {
  Fixture fixture;
  push_image(fixture, "a", "one");
  const auto target = fixture.repository("a");
  const auto busy = fixture.begin(*target);
  std::string idle;
  {
    const auto writer = fixture.begin(*target);
    idle = writer->id().str();
  }
  REQUIRE(fixture.repository("a")->remove());
  CHECK(fixture.names(top + "a/_uploads") == std::vector<std::string>{busy->id().str()});
  CHECK(busy->commit(Content::of("later"), digest_of("later")));
}

TEST_CASE("a repository with an immutable tag stays whole") {
  Fixture fixture({}, storage::ImmutableTags::make({{"here", {"a"}, {"v*"}, {}}}).value());
  push_image(fixture, "a", "latest");
  REQUIRE(fixture.repository("a")->tags().tag(tag("v1"), digest_of(image)));
  const auto refused = fixture.repository("a")->remove();
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Code::immutable);
  CHECK(refused.error().message == "tag v1 of a is immutable: it is " + digest_of(image).str());
  CHECK(fixture.repository("a")->tags().list({}).value().entries == std::vector<std::string>{"latest", "v1"});
  CHECK(fixture.repository("a")->blobs().stat(digest_of(config)));
}

TEST_CASE("what a memory of descriptors knew of a removed repository is forgotten") {
  Fixture fixture;
  push_image(fixture, "a", "one");
  push_image(fixture, "b", "one");
  const auto b = fixture.repository("b");
  REQUIRE(fixture.repository("a")->remove());
  fixture.push_blob(*b, "more");
  CHECK(fixture.repository("a")->blobs().stat(digest_of("more")).error().code == Code::blob_unknown);
}

TEST_CASE("what is pushed across removals is whole, or not there") {
  TempDir directory;
  driver::FsOps ops;
  SystemRandom random;
  StoppedClock clock;
  NullLogger logger;
  driver::Filesystem driver(directory.path() + "/root", ops, random);
  driver::FileLocks locks(directory.path() + "/locks", ops);
  storage::FileUploads uploads(driver, clock, random);
  storage::Registry registry(
      {driver, locks, uploads, nullptr, storage::ManifestRules::make({}).value(), random, logger});
  constexpr int rounds = 300;
  std::atomic<bool> ended = false;
  std::atomic<int> refused = 0, acknowledged = 0, broken = 0;

  const auto push = [&](const std::string& bytes) {
    const auto repository = registry.repository(name("a"));
    auto writer = repository->blobs().create(std::nullopt);
    if (!writer) return;
    if (!std::get<std::unique_ptr<registry::BlobWriter>>(*writer)->commit(Content::of(bytes), digest_of(bytes))) return;
    const std::string manifest = image_of(digest_of(bytes));
    const bool put_it = static_cast<bool>(put(*repository, oci_manifest, manifest));
    if (put_it && repository->tags().tag(tag("t"), digest_of(manifest)))
      ++acknowledged;
    else
      ++refused;
  };
  // Whoever finds the tag finds all of it, unless it has been removed or moved by then.
  const auto pull = [&] {
    const auto repository = registry.repository(name("a"));
    const auto target = repository->tags().get(tag("t"));
    if (!target) return;
    const auto manifest = repository->manifests().get(*target);
    if (manifest && repository->blobs().stat(model::detect_manifest(manifest->bytes)->contents.at(0).digest)) return;
    std::unique_ptr<driver::Lock> quiet = locks.exclusive(storage::paths::repository_lock(name("a"))).value();
    const auto still = repository->tags().get(tag("t"));
    if (!still) return;
    const auto again = repository->manifests().get(*still);
    if (!again || !repository->blobs().stat(model::detect_manifest(again->bytes)->contents.at(0).digest)) ++broken;
  };
  std::thread pusher([&] {
    for (int i = 0; i < rounds; ++i) push("bytes " + std::to_string(i));
    ended = true;
  });
  std::thread remover([&] {
    while (!ended) static_cast<void>(registry.repository(name("a"))->remove());
  });
  while (!ended) pull();
  pusher.join();
  remover.join();
  CHECK(broken == 0);
  CHECK(acknowledged > 0);
  CHECK(refused > 0);
}
