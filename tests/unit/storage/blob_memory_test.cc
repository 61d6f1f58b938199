// Small blobs in memory: believed only beside their file and their link.
#include <catch2/catch.hpp>

#include "storage/blobs/linked_blob_store.h"
#include "unit/storage/fixture.h"

using namespace berth;

namespace {

Result<> write(driver::StorageDriver& driver, const std::string& path, const std::string& bytes) {
  std::vector<driver::PutFile> files;
  files.push_back({path, Content::of(bytes)});
  return driver.put(std::move(files));
}

} // namespace

TEST_CASE("a blob that was read is remembered as long as its file is there, untouched") {
  driver::Memory driver;
  storage::BlobStore blobs(driver);
  const std::string bytes = "small", path = storage::paths::blob_data(model::CanonicalDigest::of_bytes(bytes));
  const auto digest = model::CanonicalDigest::of_bytes(bytes);
  REQUIRE(write(driver, path, bytes));
  CHECK_FALSE(blobs.remembers(digest));
  for (int i = 0; i < 3; ++i) CHECK(blobs.get(digest, 100).value() == bytes);
  CHECK(blobs.remembers(digest));
  CHECK(is(blobs.get(digest, 4).error(), Code::size_invalid));

  REQUIRE(write(driver, path, "SMALL")); // damage is told of, though the right bytes are known
  CHECK(is(blobs.get(digest, 100).error(), Code::corrupt));
  REQUIRE(write(driver, path, bytes));
  CHECK(blobs.get(digest, 100).value() == bytes);
  REQUIRE(driver.remove(path, driver::Durability::durable)); // garbage collection, by another process
  CHECK(is(blobs.get(digest, 100).error(), Code::blob_unknown));
}

TEST_CASE("what is remembered is shown only where it is linked") {
  driver::Memory driver;
  storage::BlobStore blobs(driver);
  NullLogger log;
  const model::RepositoryName with = test::name("with"), without = test::name("without");
  storage::LinkedBlobStore linked(blobs, storage::LinkSet::manifests(driver, with), log);
  storage::LinkedBlobStore other(blobs, storage::LinkSet::manifests(driver, without), log);
  const auto digest = linked.put("text/plain", "bytes").value().digest;
  for (int i = 0; i < 2; ++i) CHECK(linked.get(digest, 100).value() == "bytes");
  REQUIRE(blobs.remembers(digest));
  CHECK(is(other.get(digest, 100).error(), Code::blob_unknown));
  REQUIRE(linked.remove(digest));
  CHECK(is(linked.get(digest, 100).error(), Code::blob_unknown));
}

TEST_CASE("neither large blobs nor too many are remembered") {
  driver::Memory driver;
  storage::BlobStore blobs(driver);
  const auto store = [&](const std::string& bytes) {
    const auto digest = model::CanonicalDigest::of_bytes(bytes);
    REQUIRE(write(driver, storage::paths::blob_data(digest), bytes));
    CHECK(blobs.get(digest, 1'000'000).value() == bytes);
    return digest;
  };
  CHECK_FALSE(blobs.remembers(store(std::string(65'537, 'x'))));
  const auto first = store(std::string(65'536, '0'));
  CHECK(blobs.remembers(first));
  for (int i = 1; i < 70; ++i) CHECK(blobs.remembers(store(std::string(65'000, static_cast<char>(i)))));
  CHECK_FALSE(blobs.remembers(first));
}
