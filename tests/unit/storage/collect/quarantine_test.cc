// What is parked is found by everybody: whoever reads it changes nothing, and whoever will name it brings it back.
#include <catch2/catch.hpp>

#include "model/v1_push.h"
#include "storage/collect/quarantine.h"
#include "storage/v1/tags.h"
#include "unit/storage/fixture.h"

using namespace berth;
using namespace berth::test;
using model::media::oci_index;
using model::media::oci_manifest;
using registry::Need;
namespace paths = storage::paths;

namespace {

const model::RepositoryName repo = name("a/b");

// A registry with an image, of which a collector may park what it likes.
struct Store : Fixture {
  explicit Store() { push_blob(*repository, "{}"), push_blob(*repository, "layer"); }

  void park(const storage::Names& names) {
    REQUIRE(driver.stat(names.place));
    REQUIRE(storage::Quarantine(driver).park(std::vector{names}));
    REQUIRE_FALSE(driver.stat(names.place));
  }
  void park_link(const std::string& link) { park(storage::names_of_link(link)); }
  // The blob with its link, of which the registry has made one.
  void park_layer(const model::CanonicalDigest& digest) {
    park(storage::names_of(digest));
    park_link(paths::layer_link(repo, digest));
  }
  void park_manifest(const model::CanonicalDigest& digest) {
    park(storage::names_of(digest));
    park_link(paths::revision_link(repo, digest));
  }
  bool is_in_place(const std::string& path) { return driver.stat(path).has_value(); }
  bool layer_is_back(const model::CanonicalDigest& digest) {
    return is_in_place(paths::blob_data(digest)) && is_in_place(paths::layer_link(repo, digest));
  }
  bool manifest_is_back(const model::CanonicalDigest& digest) {
    return is_in_place(paths::blob_data(digest)) && is_in_place(paths::revision_link(repo, digest));
  }
  std::string image() { return image_of(digest_of("{}"), describe(digest_of("layer"))); }
  // The bytes that a reader is sent.
  std::string sent(const registry::Readable& blob) {
    const Location place = repository->blobs().locate(blob).value();
    if (const auto* file = std::get_if<StoredFile>(&place)) return content(file->path);
    return std::get<std::string>(place);
  }

  std::unique_ptr<registry::Repository> repository = Fixture::repository("a/b");
};

const auto layer = digest_of("layer");

model::Digest sha512_of(const std::string& bytes) { return model::digest_of(model::Algorithm::sha512, bytes); }

} // namespace

TEST_CASE("whoever reads a parked blob gets it, and leaves it where it is") {
  Store store;
  REQUIRE(store.repository->blobs().find(layer)); // remembered from now on, as far as it is
  CHECK(store.repository->blobs().get(layer, 10).value() == "layer");
  store.park_layer(layer);
  for (int i = 0; i < 2; ++i) {
    const auto found = store.repository->blobs().find(layer);
    REQUIRE(found);
    CHECK(found->parked);
    CHECK(found->descriptor.size == 5);
    CHECK(store.sent(*found) == "layer");
    CHECK(store.repository->blobs().get(layer, 10).value() == "layer");
    CHECK(is(store.repository->blobs().get(layer, 4).error(), Code::size_invalid));
  }
  CHECK_FALSE(store.is_in_place(paths::blob_data(layer)));
  CHECK_FALSE(store.is_in_place(paths::layer_link(repo, layer)));
}

TEST_CASE("whoever relies on a parked blob brings it back, and its parked name stays") {
  Store store;
  const bool link_alone = GENERATE(true, false), known = GENERATE(true, false);
  CAPTURE(link_alone, known);
  if (known) REQUIRE(store.repository->blobs().stat(layer));
  if (link_alone)
    store.park_link(paths::layer_link(repo, layer));
  else
    store.park_layer(layer);
  CHECK(store.repository->blobs().stat(layer)->size == 5);
  CHECK(store.layer_is_back(layer));
  CHECK(store.is_in_place(paths::parked_link(paths::layer_link(repo, layer))));
  CHECK(store.is_in_place(paths::parked_blob(layer)) == !link_alone);
  const auto found = store.repository->blobs().find(layer);
  CHECK_FALSE(found->parked);
  CHECK(store.sent(*found) == "layer");
}

TEST_CASE("what was freed is gone") {
  Store store;
  REQUIRE(store.repository->blobs().stat(layer));
  store.park_layer(layer);
  REQUIRE(storage::Quarantine(store.driver).free(storage::names_of(layer)));
  CHECK(is(store.repository->blobs().find(layer).error(), Code::blob_unknown));
  CHECK(is(store.repository->blobs().stat(layer).error(), Code::blob_unknown));
  CHECK(is(store.repository->blobs().get(layer, 10).error(), Code::blob_unknown));
}

TEST_CASE("what is restored while somebody looks for it is found") {
  // A collector that restores the blob between the two looks of a reader: its parked name is gone by the second.
  class Restores final : public driver::StorageDriver {
  public:
    explicit Restores(driver::StorageDriver& driver) : driver_(driver) {}
    Result<driver::FileInfo> stat(const std::string& path) override {
      auto info = driver_.stat(path);
      if (!info && path == paths::blob_data(layer) && !std::exchange(done_, true))
        REQUIRE(storage::Quarantine(driver_).restore(std::vector{storage::names_of(layer)}));
      return info;
    }
    Result<std::vector<driver::Entry>> list(const std::string& path, const std::string& after,
                                            std::size_t limit) override {
      return driver_.list(path, after, limit);
    }
    Result<std::string> get_content(const std::string& path, std::size_t max_bytes) override {
      return driver_.get_content(path, max_bytes);
    }
    Result<Content> open(const std::string& path) override { return driver_.open(path); }
    Result<Location> locate(const std::string& path) override { return driver_.locate(path); }
    Result<> put_scratch(const std::string& path, std::string_view bytes) override {
      return driver_.put_scratch(path, bytes);
    }
    Result<> put(std::vector<driver::PutFile> files) override { return driver_.put(std::move(files)); }
    Result<> remove(const std::string& path, driver::Durability durability) override {
      return driver_.remove(path, durability);
    }
    Result<> discard(const std::string& directory) override { return driver_.discard(directory); }
    Result<> settle(const std::string& directory) override { return driver_.settle(directory); }

  private:
    driver::StorageDriver& driver_;
    bool done_ = false;
  };
  Store store;
  store.park(storage::names_of(layer));
  Restores restores(store.driver);
  storage::BlobStore blobs(restores);
  const auto need = GENERATE(Need::to_read, Need::to_keep);
  const auto found = blobs.look(layer, need);
  REQUIRE(found);
  CHECK_FALSE(found->parked);
}

TEST_CASE("a mount, from a repository or from anywhere, brings back what it mounts") {
  Store store;
  REQUIRE(store.begin(*store.repository)->commit(Content::of("layer"), sha512_of("layer")));
  const bool anywhere = GENERATE(true, false);
  const model::Digest by = GENERATE(true, false) ? sha512_of("layer") : model::Digest(layer);
  CAPTURE(anywhere, by.str());
  store.park_layer(layer);
  if (!anywhere) store.park_link(paths::layer_link(repo, sha512_of("layer")));
  const auto other = store.registry.repository(name("other"));
  const auto created = other->blobs().create(
      registry::MountRequest{by, anywhere ? std::nullopt : std::optional<model::RepositoryName>(repo)});
  REQUIRE(created);
  CHECK(std::holds_alternative<registry::Mounted>(*created));
  CHECK(store.is_in_place(paths::blob_data(layer)));
  CHECK(other->blobs().get(by, 10).value() == "layer");
}

TEST_CASE("a name under another algorithm leads to what is parked") {
  Store store;
  REQUIRE(store.begin(*store.repository)->commit(Content::of("layer"), sha512_of("layer")));
  store.park_layer(layer);
  store.park_link(paths::layer_link(repo, sha512_of("layer")));
  CHECK(store.repository->blobs().find(sha512_of("layer"))->parked);
  CHECK(store.repository->blobs().get(sha512_of("layer"), 10).value() == "layer");
  CHECK_FALSE(store.is_in_place(paths::layer_link(repo, sha512_of("layer"))));
  REQUIRE(store.repository->blobs().stat(sha512_of("layer")));
  CHECK(store.layer_is_back(layer));
  CHECK(store.is_in_place(paths::layer_link(repo, sha512_of("layer"))));
}

TEST_CASE("a manifest brings back all that it names") {
  Store store;
  store.park_layer(layer);
  store.park_layer(digest_of("{}"));
  const auto pushed = put(*store.repository, oci_manifest, store.image());
  REQUIRE(pushed);
  CHECK(store.layer_is_back(layer));
  CHECK(store.layer_is_back(digest_of("{}")));
  store.park_manifest(pushed->digest);
  REQUIRE(put(*store.repository, oci_index, index_of(describe(pushed->digest))));
  CHECK(store.manifest_is_back(pushed->digest));
}

TEST_CASE("a parked manifest is read, asked for, tagged, pushed again and deleted") {
  Store store;
  const auto digest = put(*store.repository, oci_manifest, store.image())->digest;
  if (GENERATE(true, false)) REQUIRE(store.repository->manifests().get(digest)); // remembered
  store.park_manifest(digest);
  SECTION("read") {
    CHECK(store.repository->manifests().get(digest)->bytes == store.image());
    CHECK_FALSE(store.is_in_place(paths::blob_data(digest)));
    CHECK_FALSE(store.is_in_place(paths::revision_link(repo, digest)));
  }
  SECTION("asked for") {
    CHECK(store.repository->manifests().get(digest, Need::to_keep)->bytes == store.image());
    CHECK(store.manifest_is_back(digest));
  }
  SECTION("looked for") {
    REQUIRE(store.repository->manifests().stat(digest));
    CHECK(store.manifest_is_back(digest));
  }
  SECTION("pushed again, and tagged") {
    REQUIRE(put(*store.repository, oci_manifest, store.image()));
    REQUIRE(store.repository->tags().tag(tag("v1"), digest));
    CHECK(store.manifest_is_back(digest));
  }
  SECTION("tagged") {
    REQUIRE(store.repository->tags().tag(tag("v1"), digest));
    CHECK(store.manifest_is_back(digest));
  }
  SECTION("deleted") {
    REQUIRE(store.repository->manifests().remove(digest));
    CHECK(is(store.repository->manifests().get(digest).error(), Code::manifest_unknown));
    CHECK_FALSE(store.driver.stat(paths::parked_link(paths::revision_link(repo, digest))));
  }
}

TEST_CASE("what a person deletes does not come back") {
  Store store;
  store.park_layer(layer);
  if (GENERATE(true, false)) REQUIRE(store.repository->blobs().stat(layer)); // then it has both names
  REQUIRE(store.repository->blobs().remove(layer));
  CHECK(is(store.repository->blobs().stat(layer).error(), Code::blob_unknown));
  CHECK(is(store.repository->blobs().remove(layer).error(), Code::blob_unknown));
  CHECK_FALSE(store.driver.stat(paths::parked_link(paths::layer_link(repo, layer))));
}

TEST_CASE("a push of what is parked puts it in its place") {
  Store store;
  store.park_layer(layer);
  CHECK(store.push_blob(*store.repository, "layer").digest == layer);
  CHECK(store.layer_is_back(layer));
}

TEST_CASE("parked signatures and parked referrers are read") {
  Store store;
  const auto subject = digest_of("some manifest");
  REQUIRE(store.repository->signatures().add(subject, {"signature"}));
  store.park(storage::names_of(digest_of("signature")));
  store.park_link(paths::signature_link(repo, subject, digest_of("signature")));
  CHECK(store.repository->signatures().get(subject).value() == std::vector<std::string>{"signature"});
  REQUIRE(store.repository->signatures().add(subject, {"signature"}));
  CHECK(store.is_in_place(paths::signature_link(repo, subject, digest_of("signature"))));
  CHECK(store.is_in_place(paths::blob_data(digest_of("signature"))));

  std::string referrer = store.image();
  referrer.insert(referrer.size() - 1, R"(,"subject":)" + describe(subject));
  const auto pushed = put(*store.repository, oci_manifest, referrer);
  REQUIRE(pushed);
  store.park_manifest(pushed->digest);
  const auto page = store.repository->referrers().list({subject, {}, {}, 10});
  REQUIRE(page);
  CHECK(page->entries.size() == 1);
  CHECK_FALSE(store.manifest_is_back(pushed->digest));
}

TEST_CASE("a layer of a v1 image is found, unpacked and tagged though it is parked") {
  Store store;
  storage::Unpacking unpacking{{}};
  storage::V1Images images({store.driver, store.locks, store.registry, store.logger, unpacking});
  storage::V1Tags tags({store.driver, store.registry, images, store.logger, unpacking});
  const auto id = model::ImageId::parse(std::string(64, '1')).value();
  const std::string json = R"({"id":")" + id.str() + "\"}", bytes(3000, 'x');
  REQUIRE(images.put_json(id, json));
  REQUIRE(images.put_layer(id, Content::of(bytes), nullptr));
  REQUIRE(images.put_checksum(id, {digest_of(json + "\n" + bytes).str(), {}}));
  store.park(storage::names_of(digest_of(bytes)));
  SECTION("tagged") {
    REQUIRE(tags.tag(*store.repository, tag("v1"), id, registry::IfTagged::move, nullptr, nullptr));
    CHECK(tags.get(*store.repository, tag("v1"), nullptr).value() == id);
    CHECK(store.is_in_place(paths::blob_data(digest_of(bytes))));
  }
  SECTION("found and read") {
    const auto image = images.find(id, nullptr);
    REQUIRE(image);
    store.driver.remove(paths::blob_data(digest_of(bytes)), driver::Durability::scratch).value(); // parked again
    std::string read;
    REQUIRE(images.read_layer(
        *image,
        [&](std::span<const std::byte> piece) -> Result<> {
          read += as_text(piece);
          return {};
        },
        nullptr));
    CHECK(read == bytes);
  }
}
