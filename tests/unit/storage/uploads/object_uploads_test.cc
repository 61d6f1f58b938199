// Uploads to objects: by hosts that share the store and what their clients bring, and nothing else.
#include <catch2/catch.hpp>

#include "storage/uploads/pieces.h"
#include "unit/storage/fixture.h"

namespace berth::storage {
namespace {

using registry::Comes;
using test::digest_of;

// A registry over objects that others write to as well.
struct Host {
  Host(driver::StorageDriver& driver, const Clock& clock)
      : uploads(driver, clock, random),
        registry({driver, locks, uploads, nullptr, ManifestRules::make({}).value(), random, logger}),
        repository(registry.repository(test::name("a"))) {}

  registry::BlobStore& blobs() { return repository->blobs(); }
  std::unique_ptr<registry::BlobWriter> begin() {
    return std::get<std::unique_ptr<registry::BlobWriter>>(blobs().create(std::nullopt).value());
  }

  SystemRandom random;
  NullLogger logger;
  driver::MemoryLocks locks;
  ObjectUploads uploads;
  Registry registry;
  std::unique_ptr<registry::Repository> repository;
};

struct Hosts {
  // An upload that was begun, and the chunks that were sent of it: its id and state.
  std::pair<model::UploadId, std::string> begun(const std::vector<std::string>& chunks,
                                                Comes comes = Comes::in_chunks) {
    const auto writer = one.begin();
    for (const std::string& chunk : chunks) REQUIRE(writer->append(Content::of(chunk), comes));
    return {writer->id(), writer->progress().state};
  }
  std::size_t kept() {
    std::size_t count = 0;
    for (const auto& [key, bytes] : objects.objects()) count += key.starts_with("berth/uploads/") ? 1 : 0;
    return count;
  }

  test::ObjectStore objects;
  test::ObjectDriver driver{objects};
  test::StoppedClock clock;
  Host one{driver, clock}, two{driver, clock};
};

Code code_of(const auto& result) {
  REQUIRE_FALSE(result);
  return result.error().code;
}

TEST_CASE("an upload that one host begins, another goes on with, and either ends") {
  Hosts hosts;
  for (const Comes first : {Comes::whole, Comes::in_chunks})
    for (const std::string rest : {"", "ghi"})
      for (Host* last : {&hosts.one, &hosts.two}) {
        CAPTURE(rest, first == Comes::whole);
        auto [id, state] = hosts.begun({"abc"}, first);
        auto writer = hosts.two.blobs().resume(id, state).value();
        CHECK(writer->size() == 3);
        REQUIRE(writer->append(Content::of("def"), Comes::in_chunks));
        state = writer->progress().state;
        CHECK(last->blobs().upload_progress(id, state)->size == 6);
        const std::string all = "abcdef" + rest;
        REQUIRE(last->blobs().resume(id, state).value()->commit(Content::of(rest), digest_of(all)));
        CHECK(hosts.one.blobs().get(digest_of(all), 100).value() == all);
        CHECK(hosts.kept() == 0);
        CHECK(code_of(last->blobs().resume(id, state)) == Code::blob_upload_unknown); // it has ended
        REQUIRE(hosts.one.blobs().remove(digest_of(all)));
      }
}

TEST_CASE("a blob that came at once has its place before it is asked for, and no repository shows it") {
  Hosts hosts;
  auto [id, state] = hosts.begun({"bytes"}, Comes::whole);
  CHECK(hosts.kept() == 0);
  CHECK(hosts.driver.get_content(paths::blob_data(digest_of("bytes")), 10).value() == "bytes");
  CHECK(code_of(hosts.one.blobs().stat(digest_of("bytes"))) == Code::blob_unknown);
  SECTION("ended") {
    REQUIRE(hosts.two.blobs().resume(id, state).value()->commit(Content(), digest_of("bytes")));
    CHECK(hosts.one.blobs().stat(digest_of("bytes")));
  }
  SECTION("ended, under another algorithm") {
    const auto name = model::digest_of(model::Algorithm::sha512, "bytes");
    REQUIRE(hosts.two.blobs().resume(id, state).value()->commit(Content(), name));
    CHECK(hosts.one.blobs().stat(name)->digest == digest_of("bytes"));
  }
  SECTION("ended under a wrong name") {
    for (const auto& name : {model::Digest(digest_of("x")), model::digest_of(model::Algorithm::sha512, "x")}) {
      const auto [other, its_state] = hosts.begun({"bytes"}, Comes::whole);
      CHECK(code_of(hosts.one.blobs().resume(other, its_state).value()->commit(Content(), name)) ==
            Code::digest_invalid);
      CHECK(code_of(hosts.one.blobs().resume(other, its_state)) == Code::blob_upload_unknown);
    }
  }
  SECTION("collected meanwhile") {
    REQUIRE(hosts.driver.remove(paths::blob_data(digest_of("bytes")), driver::Durability::durable));
    CHECK(code_of(hosts.two.blobs().resume(id, state).value()->commit(Content(), digest_of("bytes"))) ==
          Code::blob_upload_unknown);
    CHECK(code_of(hosts.one.blobs().stat(digest_of("bytes"))) == Code::blob_unknown);
  }
}

TEST_CASE("two writers that go on from one state fork the upload, and the digest decides") {
  Hosts hosts;
  const auto [id, state] = hosts.begun({"abc"});
  auto one = hosts.one.blobs().resume(id, state).value(), two = hosts.two.blobs().resume(id, state).value();
  REQUIRE(one->append(Content::of("one"), Comes::in_chunks));
  REQUIRE(two->append(Content::of("two"), Comes::in_chunks));
  CHECK(code_of(two->commit(Content(), digest_of("abcone"))) == Code::digest_invalid); // which ends the upload
  CHECK(code_of(one->commit(Content(), digest_of("abcone"))) == Code::blob_upload_unknown);

  const auto [again, its_state] = hosts.begun({"abc"});
  one = hosts.one.blobs().resume(again, its_state).value(), two = hosts.two.blobs().resume(again, its_state).value();
  REQUIRE(one->append(Content::of("one"), Comes::in_chunks));
  REQUIRE(two->append(Content::of("two"), Comes::in_chunks));
  REQUIRE(two->commit(Content::of("!"), digest_of("abctwo!")));
  CHECK(hosts.one.blobs().get(digest_of("abctwo!"), 100).value() == "abctwo!");
}

TEST_CASE("a chunk that is sent again replaces itself") {
  Hosts hosts;
  auto [id, state] = hosts.begun({"abc"});
  for (int i = 0; i < 3; ++i) {
    const auto writer = (i == 1 ? hosts.two : hosts.one).blobs().resume(id, state).value();
    REQUIRE(writer->append(Content::of("def"), Comes::in_chunks));
    CHECK(hosts.kept() == 2);
  }
}

TEST_CASE("a cancelled upload is gone for whoever ends it, and leaves what says so until the purge") {
  Hosts hosts;
  const auto [id, state] = hosts.begun({"abc"});
  const auto late = hosts.two.blobs().resume(id, state).value();
  REQUIRE(hosts.one.blobs().resume(id, state).value()->cancel());
  CHECK(code_of(hosts.one.blobs().upload_progress(id, state)) == Code::blob_upload_unknown);
  REQUIRE(late->append(Content::of("def"), Comes::in_chunks));
  CHECK(code_of(late->commit(Content(), digest_of("abcdef"))) == Code::blob_upload_unknown);
  const auto [other, empty] = hosts.begun({});
  REQUIRE(hosts.one.blobs().resume(other, empty).value()->cancel());
  const auto after = hosts.two.blobs().resume(other, empty).value();
  REQUIRE(after->append(Content::of("def"), Comes::in_chunks));
  CHECK(code_of(after->commit(Content(), digest_of("def"))) == Code::blob_upload_unknown);
}

TEST_CASE("what is no state of an upload is that of none; without one this host alone knows") {
  Hosts hosts;
  const auto [id, state] = hosts.begun({"abc"});
  CHECK(hosts.one.blobs().upload_progress(id, "")->size == 3);
  CHECK(code_of(hosts.two.blobs().upload_progress(id, "")) == Code::blob_upload_unknown);
  CHECK(code_of(hosts.one.registry.repository(test::name("b"))->blobs().upload_progress(id, "")) ==
        Code::blob_upload_unknown);
  for (std::size_t size = 0; size < state.size(); ++size) {
    const std::string cut = state.substr(0, size);
    if (const auto parsed = PartState::parse(cut)) CHECK(parsed->to_text() == cut);
  }
  for (const std::string bad : {"x", "1", "1.x..", "2.1704164645..", "1.1704164645.AAAA.", "1.1704164645..5.00",
                                "1.99999999999999..", "1.1704164645..."})
    CHECK_FALSE(PartState::parse(bad));
}

TEST_CASE("a piece that is missing or damaged makes no blob") {
  Hosts hosts;
  const auto [id, state] = hosts.begun({"abc", "def"});
  const std::string directory = paths::object_upload(id);
  const auto names = driver::names_in(hosts.driver, directory).value();
  REQUIRE(names.size() == 2);
  auto expected = Code::corrupt;
  SECTION("missing") {
    REQUIRE(hosts.driver.remove(directory + "/" + names[0], driver::Durability::durable));
    expected = Code::blob_upload_unknown;
  }
  SECTION("short") { REQUIRE(hosts.driver.put_scratch(directory + "/" + names[0], "ab")); }
  SECTION("of other bytes") { REQUIRE(hosts.driver.put_scratch(directory + "/" + names[0], "abC")); }
  const auto writer = hosts.two.blobs().resume(id, state).value();
  CHECK(code_of(writer->commit(Content(), digest_of("abcdef"))) == expected);
  CHECK(code_of(hosts.driver.stat(paths::blob_data(digest_of("abcdef")))) == Code::not_found);
}

TEST_CASE("what is kept is purged by its upload's age, and nothing else is") {
  Hosts hosts;
  const auto [chunks, state] = hosts.begun({"abc", "def"});
  const auto [cancelled, empty] = hosts.begun({});
  REQUIRE(hosts.one.blobs().resume(cancelled, empty).value()->cancel());
  REQUIRE(hosts.driver.put_scratch(paths::object_uploads() + "/other/file", "x"));
  REQUIRE(hosts.driver.put_scratch(paths::object_uploads() + "/file", "x"));
  std::vector<std::string> told;
  const TellPurged tell = [&](const std::string& path, const Error* why_not) {
    CHECK(why_not == nullptr);
    told.push_back(path);
  };
  const Time started = hosts.clock.now();
  CHECK(hosts.one.uploads.purge({started}, tell)->uploads == 0);
  CHECK(hosts.one.uploads.purge({Time::max(), false, [] { return true; }}, tell)->uploads == 0);
  CHECK(hosts.one.uploads.purge({started + std::chrono::seconds(1), true}, tell)->uploads == 2);
  CHECK(hosts.kept() == 5);
  told.clear();
  CHECK(hosts.two.uploads.purge({started + std::chrono::seconds(1)}, tell)->uploads == 2);
  std::vector<std::string> both{paths::object_upload(chunks), paths::object_upload(cancelled)};
  std::ranges::sort(both);
  CHECK(told == both);
  CHECK(hosts.kept() == 2);
  CHECK(code_of(hosts.two.blobs().resume(chunks, state).value()->commit(Content(), digest_of("abcdef"))) ==
        Code::blob_upload_unknown);
  CHECK(Hosts().one.uploads.purge({Time::max()}, tell)->uploads == 0); // there was none ever
}

// The states that come of chunks, one after the other, and the names of their pieces.
struct Line {
  explicit Line(const std::vector<std::string>& chunks, std::optional<PartState> from = {}) {
    if (from) state = *from;
    for (const std::string& chunk : chunks) {
      PartState next = state;
      next.hash.update(as_bytes(chunk));
      names.push_back(next.since(state).name());
      state = next;
    }
  }
  PartState state{std::chrono::sys_seconds(std::chrono::seconds(1'700'000'000))};
  std::vector<std::string> names;
};

TEST_CASE("a state finds its own pieces among those of others") {
  const Line mine({"abc", "def", "ghi"}), others({"ab", "cdef", "ghX"}), same({"abcdefgh", "i"});
  std::vector<std::string> all{"rubbish", gone_name(mine.state.started), "1-2-3-4-5"};
  for (const Line* line : {&mine, &others, &same}) all.insert(all.end(), line->names.begin(), line->names.end());
  for (const Line* line : {&mine, &others, &same}) {
    const auto pieces = pieces_of(line->state, all);
    REQUIRE(pieces);
    std::uint64_t at = 0;
    for (const Piece& piece : *pieces) {
      CHECK(piece.first == at);
      at = piece.end;
    }
    CHECK(at == line->state.size());
  }
  CHECK(pieces_of(others.state, all)->back().name() == others.names.back());
  CHECK(code_of(pieces_of(others.state, mine.names)) == Code::not_found);

  PartState begun = Line({"abc"}).state;
  begun.placed = PartState::Placed{digest_of("abc"), 3};
  const Line behind({"def", "ghi"}, begun);
  all.insert(all.end(), behind.names.begin(), behind.names.end());
  const auto pieces = pieces_of(behind.state, all);
  REQUIRE(pieces);
  CHECK(pieces->front().first == 3);
  CHECK(PartState::parse(behind.state.to_text())->to_text() == behind.state.to_text());
}

} // namespace
} // namespace berth::storage
