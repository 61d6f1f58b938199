// What the registry's actions cost where each call is a request over a network: an object store. Nobody makes them more
// by accident. Uploads are not among them: their files grow in place (storage/uploads/file_uploads.h), which objects do
// not.
#include <catch2/catch.hpp>

#include <optional>

#include "contract/object_store.h"
#include "unit/storage/fixture.h"

using namespace berth;
using namespace berth::test;
using model::media::oci_manifest;

namespace {

class NoUploads final : public storage::UploadStore {
public:
  std::unique_ptr<storage::Uploads> of(const model::RepositoryName&) override { return nullptr; }
  Result<storage::Purged> purge(const storage::PurgeOptions&, const storage::TellPurged&) override {
    return storage::Purged{};
  }
};

// A registry over objects; made anew, it remembers nothing.
struct Store {
  Store() { restart(); }

  void restart() {
    registry = std::make_unique<storage::Registry>(storage::Registry::Parts{
        driver, locks, uploads, nullptr, storage::ManifestRules::make({}).value(), random, logger});
    repository = registry->repository(name("a/b"));
  }
  // What an action costs.
  Bill bill(const std::function<void()>& action) {
    objects.forget_bill();
    action();
    return objects.bill();
  }
  model::Descriptor push(const std::string& config, const std::string& as) {
    REQUIRE(repository->blobs().put("application/json", config));
    const auto manifest = put(*repository, oci_manifest, image_of(digest_of(config)));
    REQUIRE(manifest);
    REQUIRE(repository->tags().tag(tag(as), manifest->digest));
    return *manifest;
  }

  ObjectStore objects;
  ObjectDriver driver{objects};
  driver::MemoryLocks locks;
  NoUploads uploads;
  SystemRandom random;
  NullLogger logger;
  std::unique_ptr<storage::Registry> registry;
  std::unique_ptr<registry::Repository> repository;
};

} // namespace

TEST_CASE("the registry works over objects") {
  Store store;
  const auto manifest = store.push("{}", "v1");
  store.restart();
  CHECK(store.repository->tags().get(tag("v1")).value() == manifest.digest);
  CHECK(store.repository->manifests().get(manifest.digest)->bytes == image_of(digest_of("{}")));
  CHECK(store.repository->blobs().stat(digest_of("{}"))->size == 2);
  CHECK(std::holds_alternative<StoredUrl>(
      store.repository->blobs().locate(store.repository->blobs().find(digest_of("{}")).value()).value()));
  CHECK(store.registry->repositories({})->entries == std::vector<std::string>{"a/b"});
  const auto second = store.push("[]", "v2"); // a listing that was read is not believed for ever
  CHECK(store.repository->tags().list({})->entries == std::vector<std::string>{"v1", "v2"});
  REQUIRE(store.repository->manifests().remove(second.digest));
  CHECK(store.repository->tags().list({})->entries == std::vector<std::string>{"v1"});
  REQUIRE(store.repository->tags().untag(tag("v1")));
  CHECK(store.repository->tags().list({})->entries.empty());
}

TEST_CASE("what it costs") {
  Store store;
  const Bill blob = store.bill([&] { REQUIRE(store.repository->blobs().put("application/json", "{}")); });
  CHECK(blob.calls() == 4);
  CHECK(blob.puts == 2);
  std::optional<model::Descriptor> pushed;
  const Bill put_manifest =
      store.bill([&] { pushed = put(*store.repository, oci_manifest, image_of(digest_of("{}"))).value(); });
  const model::CanonicalDigest manifest = pushed->digest;
  CHECK(put_manifest.calls() == 6);
  const Bill tagging = store.bill([&] { REQUIRE(store.repository->tags().tag(tag("v1"), manifest)); });
  CHECK(tagging.calls() == 7);
  store.restart();
  const Bill pull = store.bill([&] {
    const auto digest = store.repository->tags().get(tag("v1")).value();
    REQUIRE(store.repository->manifests().get(digest));
  });
  CHECK(pull.calls() == 4);
  const Bill stat = store.bill([&] { REQUIRE(store.repository->blobs().stat(digest_of("{}"))); });
  CHECK(stat.calls() == 2);
  for (int i = 0; i < 8; ++i) REQUIRE(store.repository->tags().tag(tag("t" + std::to_string(i)), manifest));
  const Bill listing = store.bill([&] { CHECK(store.repository->tags().list({"", 2})->entries.size() == 2); });
  CHECK(listing.lists == 4); // of nine tags, and one to see that there are some
}
