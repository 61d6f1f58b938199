#include <catch2/catch.hpp>

#include "unit/storage/fixture.h"

using namespace berth;
using namespace berth::test;
using registry::BlobWriter;
using registry::Comes;
using registry::Mounted;

namespace {

const std::string uploads = "/docker/registry/v2/repositories/a/b/_uploads/";

// An upload of more bytes than this has a hash state.
constexpr std::size_t stateless_bytes = 256 * 1024;
const std::string large(stateless_bytes + 1, 'l');
const std::string large_size = std::to_string(large.size());

model::Digest sha512_of(const std::string& bytes) {
  model::Digester digester(model::Algorithm::sha512);
  digester.update(as_bytes(bytes));
  return digester.finish();
}

} // namespace

TEST_CASE("a blob that was pushed is in docker/distribution's places, and only in its repository") {
  Fixture fixture;
  const auto repository = fixture.repository("a/b");
  const auto descriptor = fixture.push_blob(*repository, "hello");
  const std::string hex(digest_of("hello").hex());
  CHECK(descriptor.size == 5);
  CHECK(fixture.content("/docker/registry/v2/blobs/sha256/" + hex.substr(0, 2) + "/" + hex + "/data") == "hello");
  CHECK(fixture.content("/docker/registry/v2/repositories/a/b/_layers/sha256/" + hex + "/link") == "sha256:" + hex);
  CHECK(repository->blobs().stat(descriptor.digest).value() == descriptor);
  CHECK(repository->blobs().get(descriptor.digest, 5).value() == "hello");
  CHECK(repository->blobs().get(descriptor.digest, 4).error().code == Code::size_invalid);
  CHECK(fixture.repository("a")->blobs().stat(descriptor.digest).error().code == Code::blob_unknown);
  CHECK(fixture.names("/docker/registry/v2/repositories/a/b/_uploads").empty()); // nothing is left
}

TEST_CASE("an upload in progress is in docker/distribution's form", "[files]") {
  Fixture fixture;
  const auto repository = fixture.repository("a/b");
  auto writer = fixture.begin(*repository);
  const std::string directory = uploads + writer->id().str();
  CHECK(fixture.content(directory + "/startedat") == "2024-01-02T03:04:05Z");
  REQUIRE(writer->append(Content::of(large), Comes::whole));
  CHECK(fixture.content(directory + "/data") == large);
  const auto state = model::Sha256::restore(fixture.content(directory + "/hashstates/sha256/" + large_size));
  REQUIRE(state);
  CHECK(state->digest() == digest_of(large));
}

TEST_CASE("a small upload has no hash state; once it grows, it has one of what it was, and of what it is", "[files]") {
  Fixture fixture;
  const auto repository = fixture.repository("a/b");
  auto writer = fixture.begin(*repository);
  const std::string states = uploads + writer->id().str() + "/hashstates/sha256";
  REQUIRE(writer->append(Content::of("abc"), Comes::whole));
  REQUIRE(writer->append(Content::of(std::string(stateless_bytes - 3, 'x')), Comes::whole));
  CHECK_FALSE(driver::names_in(fixture.driver, states));
  REQUIRE(writer->append(Content::of("y"), Comes::whole));
  CHECK(driver::names_in(fixture.driver, states).value() ==
        std::vector<std::string>{std::to_string(stateless_bytes), std::to_string(stateless_bytes + 1)});
  const std::string whole = "abc" + std::string(stateless_bytes - 3, 'x') + "yz";
  CHECK(writer->commit(Content::of("z"), digest_of(whole)));
}

TEST_CASE("a hash state that is not of the upload's bytes counts for nothing", "[files]") {
  // docker-registry, going on with an upload that has no state, leaves one of its own piece under that piece's length.
  Fixture fixture;
  const auto repository = fixture.repository("a/b");
  auto writer = fixture.begin(*repository);
  const auto id = writer->id();
  REQUIRE(writer->append(Content::of("begun by berth, "), Comes::whole));
  writer.reset();
  const std::string directory = uploads + id.str(), whole = "begun by berth, " + large;
  REQUIRE(fixture.driver.put_scratch(directory + "/data", whole));
  model::Sha256 of_piece;
  of_piece.update(as_bytes(large));
  REQUIRE(fixture.driver.put_scratch(directory + "/hashstates/sha256/" + large_size, of_piece.save()));
  CHECK(repository->blobs().upload_progress(id, {})->size == whole.size());
  writer = repository->blobs().resume(id, {}).value();
  CHECK(writer->size() == whole.size());
  SECTION("ended") { CHECK(writer->commit(Content(), digest_of(whole))); }
  SECTION("gone on with") { CHECK(writer->commit(Content::of("!"), digest_of(whole + "!"))); }
}

TEST_CASE("an upload goes on where the last request ended") {
  Fixture fixture;
  const auto repository = fixture.repository("a/b");
  auto writer = fixture.begin(*repository);
  const auto id = writer->id();
  REQUIRE(writer->append(Content::of("one"), Comes::whole));
  if (!fixture.store.has_objects()) CHECK(repository->blobs().resume(id, {}).error().code == Code::busy);
  CHECK(repository->blobs().upload_progress(id, {})->size == 3); // asking does not need to hold it
  writer.reset();
  writer = repository->blobs().resume(id, {}).value();
  CHECK(writer->size() == 3);
  REQUIRE(writer->append(Content::of("two"), Comes::whole));
  REQUIRE(writer->append(Content(), Comes::whole));
  CHECK(writer->size() == 6);
  const auto descriptor = writer->commit(Content::of("three"), digest_of("onetwothree"));
  REQUIRE(descriptor);
  CHECK(repository->blobs().get(descriptor->digest, 100).value() == "onetwothree");
  CHECK(repository->blobs().upload_progress(id, {}).error().code == Code::blob_upload_unknown);
  CHECK(repository->blobs().resume(id, {}).error().code == Code::blob_upload_unknown);
}

TEST_CASE("an upload whose hash state is missing or unreadable is hashed again", "[files]") {
  Fixture fixture;
  const auto repository = fixture.repository("a/b");
  auto writer = fixture.begin(*repository);
  const auto id = writer->id();
  REQUIRE(writer->append(Content::of(large), Comes::whole));
  writer.reset();
  const std::string states = uploads + id.str() + "/hashstates/sha256";
  SECTION("missing") { REQUIRE(fixture.driver.remove(states, driver::Durability::scratch)); }
  SECTION("of an old registry") { REQUIRE(fixture.driver.put_scratch(states + "/" + large_size, "gob")); }
  SECTION("of another offset") {
    REQUIRE(fixture.driver.put_scratch(states + "/" + large_size, model::Sha256().save()));
  }
  writer = repository->blobs().resume(id, {}).value();
  CHECK(writer->size() == large.size());
  CHECK(writer->commit(Content::of("def"), digest_of(large + "def")));
}

TEST_CASE("what a dead writer left behind the last hash state that is true does not count", "[files]") {
  Fixture fixture;
  const auto repository = fixture.repository("a/b");
  auto writer = fixture.begin(*repository);
  const auto id = writer->id();
  REQUIRE(writer->append(Content::of(large), Comes::whole));
  writer.reset();
  REQUIRE(fixture.driver.put_scratch(uploads + id.str() + "/data", large + "RUBBISH"));
  model::Sha256 other;
  other.update(as_bytes(std::string(large.size() + 1, 'o')));
  const std::string later = std::to_string(other.length());
  REQUIRE(fixture.driver.put_scratch(uploads + id.str() + "/hashstates/sha256/" + later, other.save()));
  CHECK(repository->blobs().upload_progress(id, {})->size == large.size());
  writer = repository->blobs().resume(id, {}).value();
  SECTION("overwritten") { CHECK(writer->commit(Content::of("def"), digest_of(large + "def"))); }
  SECTION("cut off") {
    const auto descriptor = writer->commit(Content(), digest_of(large));
    REQUIRE(descriptor);
    CHECK(repository->blobs().get(descriptor->digest, large.size()).value() == large);
  }
}

TEST_CASE("content that is not its digest ends the upload and leaves nothing") {
  Fixture fixture;
  const auto repository = fixture.repository("a/b");
  for (const bool in_chunks : {false, true}) {
    CAPTURE(in_chunks);
    auto writer = fixture.begin(*repository);
    const auto id = writer->id();
    if (in_chunks) REQUIRE(writer->append(Content::of("x"), Comes::in_chunks));
    CHECK(writer->commit(Content::of("abc"), digest_of("other")).error().code == Code::digest_invalid);
    CHECK(repository->blobs().upload_progress(id, {}).error().code == Code::blob_upload_unknown);
  }
  CHECK(fixture.names("/docker/registry/v2/blobs").empty());
}

TEST_CASE("a cancelled upload is gone") {
  Fixture fixture;
  const auto repository = fixture.repository("a/b");
  auto writer = fixture.begin(*repository);
  const auto id = writer->id();
  REQUIRE(writer->append(Content::of("abc"), Comes::whole));
  REQUIRE(writer->cancel());
  CHECK(repository->blobs().upload_progress(id, {}).error().code == Code::blob_upload_unknown);
}

TEST_CASE("an upload of nothing is the empty blob") {
  Fixture fixture;
  const auto repository = fixture.repository("a/b");
  CHECK(fixture.push_blob(*repository, "").size == 0);
  CHECK(repository->blobs().get(digest_of(""), 0).value().empty());
}

TEST_CASE("a blob under another algorithm is stored once, under sha256, and found under both") {
  Fixture fixture;
  const auto repository = fixture.repository("a/b");
  const auto provisional = sha512_of("abcdef");
  auto writer = fixture.begin(*repository);
  SECTION("in one piece") { CHECK(writer->commit(Content::of("abcdef"), provisional)->digest == digest_of("abcdef")); }
  SECTION("in chunks") {
    REQUIRE(writer->append(Content::of("abc"), Comes::whole));
    CHECK(writer->commit(Content::of("def"), provisional)->digest == digest_of("abcdef"));
  }
  CHECK(repository->blobs().stat(provisional)->digest == digest_of("abcdef"));
  CHECK(repository->blobs().stat(digest_of("abcdef"))->size == 6);
  CHECK(fixture.content(storage::paths::layer_link(name("a/b"), provisional)) == digest_of("abcdef").str());
  REQUIRE(repository->blobs().remove(provisional));
  CHECK_FALSE(repository->blobs().stat(digest_of("abcdef")));
  CHECK(fixture.begin(*repository)->commit(Content::of("other"), provisional).error().code == Code::digest_invalid);
}

TEST_CASE("mounting links what another repository has, or begins an upload") {
  Fixture fixture;
  const auto from = fixture.repository("from"), to = fixture.repository("to");
  const auto descriptor = fixture.push_blob(*from, "shared");
  const auto create = [&](const std::optional<registry::MountRequest>& mount) {
    return to->blobs().create(mount).value();
  };
  const auto is_upload = [](const registry::Created& created) {
    return std::holds_alternative<std::unique_ptr<BlobWriter>>(created);
  };

  CHECK(is_upload(create(registry::MountRequest{descriptor.digest, name("nobody")})));
  CHECK(is_upload(create(registry::MountRequest{digest_of("unknown"), name("from")})));
  CHECK(is_upload(create(registry::MountRequest{digest_of("unknown"), std::nullopt})));
  CHECK_FALSE(to->blobs().stat(descriptor.digest));

  const auto mounted = create(registry::MountRequest{descriptor.digest, name("from")});
  REQUIRE(std::holds_alternative<Mounted>(mounted));
  CHECK(std::get<Mounted>(mounted).descriptor == descriptor);
  CHECK(to->blobs().stat(descriptor.digest));

  const auto third = fixture.repository("third");
  CHECK(std::holds_alternative<Mounted>(
      third->blobs().create(registry::MountRequest{descriptor.digest, std::nullopt}).value()));
}

TEST_CASE("deleting takes the link and leaves the bytes") {
  Fixture fixture;
  const auto one = fixture.repository("one"), two = fixture.repository("two");
  const auto descriptor = fixture.push_blob(*one, "x");
  fixture.push_blob(*two, "x");
  REQUIRE(one->blobs().remove(descriptor.digest));
  CHECK(one->blobs().stat(descriptor.digest).error().code == Code::blob_unknown);
  CHECK(one->blobs().remove(descriptor.digest).error().code == Code::blob_unknown);
  CHECK(two->blobs().stat(descriptor.digest));
}

TEST_CASE("the cache never answers for what is gone, whoever removed it") {
  Fixture fixture;
  const auto repository = fixture.repository("a/b");
  const auto digest = fixture.push_blob(*repository, "x").digest;
  REQUIRE(repository->blobs().stat(digest)); // from memory, confirmed
  SECTION("the link, by another program") {
    REQUIRE(fixture.driver.remove(storage::paths::layer_link(name("a/b"), digest), driver::Durability::scratch));
  }
  SECTION("the bytes, by garbage collection") {
    REQUIRE(fixture.driver.remove(storage::paths::blob_data(digest), driver::Durability::scratch));
  }
  CHECK(repository->blobs().stat(digest).error().code == Code::blob_unknown);
}

TEST_CASE("pushing again mends a damaged blob and a damaged link") {
  Fixture fixture;
  const auto repository = fixture.repository("a/b");
  const auto digest = fixture.push_blob(*repository, "hello").digest;
  REQUIRE(fixture.driver.put_scratch(storage::paths::blob_data(digest), "he"));
  REQUIRE(fixture.driver.put_scratch(storage::paths::layer_link(name("a/b"), digest), ""));
  CHECK_FALSE(repository->blobs().stat(digest));
  fixture.push_blob(*repository, "hello");
  CHECK(repository->blobs().get(digest, 100).value() == "hello");
}

TEST_CASE("bytes that are not their digest are never handed out as a small blob") {
  Fixture fixture;
  const auto repository = fixture.repository("a/b");
  const auto digest = fixture.push_blob(*repository, "hello").digest;
  REQUIRE(fixture.driver.put_scratch(storage::paths::blob_data(digest), "hellO"));
  CHECK(repository->blobs().get(digest, 100).error().code == Code::corrupt);
}
