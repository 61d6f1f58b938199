// What the registry's actions cost where each call is a request over a network: an object store. Nobody makes them more
// by accident.
#include <catch2/catch.hpp>

#include <optional>

#include "contract/object_store.h"
#include "unit/storage/fixture.h"

using namespace berth;
using namespace berth::test;
using model::media::oci_manifest;

namespace {

constexpr std::size_t mebibyte = std::size_t{1} << 20;

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

  // Content as nginx hands it over.
  Content spooled(const std::string& bytes) { return Content::open(spool.write("body", bytes)).value(); }
  std::unique_ptr<registry::BlobWriter> begin() {
    return std::get<std::unique_ptr<registry::BlobWriter>>(repository->blobs().create(std::nullopt).value());
  }
  // The next request of an upload, which may come to another pool.
  void go_on(std::unique_ptr<registry::BlobWriter>& writer) {
    const model::UploadId id = writer->id();
    const std::string state = writer->progress().state;
    writer = repository->blobs().resume(id, state).value();
  }
  // A push in chunks: its bill.
  Bill push_chunks(int chunks, std::size_t chunk_bytes) {
    std::string bytes;
    return bill([&] {
      auto writer = begin();
      for (int i = 0; i < chunks; ++i) {
        const std::string chunk(chunk_bytes, static_cast<char>('A' + i % 64 + chunks % 7));
        bytes += chunk;
        REQUIRE(writer->append(spooled(chunk), registry::Comes::in_chunks));
        go_on(writer);
      }
      REQUIRE(writer->commit(Content(), digest_of(bytes)));
    });
  }

  ObjectStore objects;
  ObjectDriver driver{objects};
  driver::MemoryLocks locks;
  SystemClock clock;
  SystemRandom random;
  storage::ObjectUploads uploads{driver, clock, random};
  NullLogger logger;
  TempDir spool;
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
  CHECK(tagging.calls() == 6);
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

TEST_CASE("what a push of a blob costs in one piece") {
  Store store;
  const std::string small(1000, 's'), large(2 * mebibyte, 'l');
  const Bill of_small = store.bill([&] { REQUIRE(store.begin()->commit(Content::of(small), digest_of(small))); });
  CHECK(of_small.calls() == 4); // is the blob there, the blob, is the link there, the link
  CHECK(of_small.bytes_up < small.size() + 100);
  const Bill of_large = store.bill([&] { REQUIRE(store.begin()->commit(store.spooled(large), digest_of(large))); });
  CHECK(of_large.calls() == 5);
  CHECK(of_large.bytes_up < large.size() + 100);
  CHECK(of_large.bytes_down == 0);
  const Bill again = store.bill([&] { REQUIRE(store.begin()->commit(store.spooled(large), digest_of(large))); });
  CHECK(again.bytes_up < 100); // the store has it
}

TEST_CASE("what a push of a blob costs in a PATCH and a PUT") {
  Store store;
  for (const std::size_t size : {std::size_t{1000}, 2 * mebibyte}) {
    const std::string bytes(size, 'b');
    auto writer = store.begin();
    const Bill patch = store.bill([&] { REQUIRE(writer->append(store.spooled(bytes), registry::Comes::whole)); });
    CHECK(patch.calls() == (size < mebibyte ? 1 : 3));
    CHECK(patch.bytes_up == size);
    store.go_on(writer);
    const Bill put = store.bill([&] { REQUIRE(writer->commit(Content(), digest_of(bytes))); });
    CHECK(put.calls() == 4); // is the blob there, of which size, is the link there, the link
    CHECK(put.puts == 1);
    CHECK(put.bytes_up < 100);
    CHECK(put.bytes_down == 0);
  }
  CHECK(store.bill([&] { store.begin(); }).calls() == 0);
}

TEST_CASE("what a push in chunks costs grows as the chunks do, in calls and in bytes") {
  Store store;
  const Bill all = store.push_chunks(64, mebibyte);
  CHECK(all.puts == 64 + 1 + 1); // each chunk, the blob, the link
  CHECK(all.gets == 64 + 1);
  CHECK(all.heads == 64 + 1 + 1);
  CHECK(all.lists == 22 + 1 + 22); // at three names a page
  CHECK(all.deletes == 1);
  CHECK(all.calls() == 243);
  CHECK(all.bytes_up < 2 * 64 * mebibyte + 100);
  CHECK(all.bytes_down == 64 * mebibyte);
  const int few = store.push_chunks(60, 100).calls(), twice = store.push_chunks(120, 100).calls(),
            four_times = store.push_chunks(240, 100).calls();
  CHECK(four_times - twice == 2 * (twice - few));
  for (const auto& [key, bytes] : store.objects.objects()) CHECK_FALSE(key.starts_with("berth/uploads/"));
}

TEST_CASE("one chunk becomes the blob within the store") {
  Store store;
  const std::string bytes(2 * mebibyte, 'c');
  auto writer = store.begin();
  REQUIRE(writer->append(store.spooled(bytes), registry::Comes::in_chunks));
  const Bill put = store.bill([&] { REQUIRE(writer->commit(Content(), digest_of(bytes))); });
  CHECK(put.copies == 1);
  CHECK(put.bytes_up < 100);
  CHECK(put.bytes_down == 0);
  CHECK(store.repository->blobs().get(digest_of(bytes), bytes.size()).value() == bytes);
}
