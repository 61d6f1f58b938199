#include <catch2/catch.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <thread>
#include <vector>

#include "base/encoding.h"
#include "model/sha256_pair.h"
#include "storage/file_hashes.h"
#include "unit/temp_dir.h"

using namespace berth;
using model::Sha256;
using storage::FileHashes;

namespace {

constexpr std::size_t min_bytes = FileHashes::min_bytes, piece = FileHashes::Buffers::piece_bytes;

std::string bytes_of(std::size_t size, int seed) {
  std::string bytes(size, static_cast<char>(seed));
  for (std::size_t i = 0; i < size; i += 97) bytes[i] = static_cast<char>(i + static_cast<std::size_t>(seed));
  return bytes;
}

Sha256 hashed(std::string_view bytes) {
  Sha256 hash;
  hash.update(as_bytes(bytes));
  return hash;
}

UniqueFd opened(const std::string& path) { return UniqueFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC)); }

} // namespace

TEST_CASE("the hash of a file of any size, and of bytes in memory, goes on from where it began") {
  const test::TempDir dir;
  FileHashes hashes;
  const Sha256 start = hashed("what an upload has already");
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, min_bytes - 1, min_bytes, min_bytes + 1,
                                 min_bytes + piece, 3 * min_bytes + 777}) {
    CAPTURE(size);
    const std::string bytes = bytes_of(size, 1);
    const Content file = Content::open(dir.write("file", bytes)).value(), memory = Content::of(bytes);
    Sha256 expected = start;
    expected.update(as_bytes(bytes));
    CHECK(hashes.hash(file, start).value().save() == expected.save());
    CHECK(hashes.hash(memory, start).value().save() == expected.save());
    CHECK(hashes.hash(file, Sha256()).value().save() == hashed(bytes).save());
  }
}

TEST_CASE("whoever hashes one file takes another along") {
  if (!model::can_hash_pairs()) {
    WARN("not run: this processor has no SHA instructions");
    return;
  }
  const test::TempDir dir;
  FileHashes hashes;
  const std::string bytes = bytes_of(2 * min_bytes, 1), waiting = bytes_of(3 * min_bytes, 2);
  const Content other = Content::open(dir.write("other", waiting)).value();
  REQUIRE(hashes.expect(opened(other.path())));
  CHECK(hashes.progress(other) == 0);
  CHECK(hashes.hash(Content::open(dir.write("file", bytes)).value(), Sha256()).value().save() == hashed(bytes).save());
  CHECK(hashes.progress(other) == 2 * min_bytes);
  CHECK(hashes.hash(other, Sha256()).value().save() == hashed(waiting).save());
}

TEST_CASE("what is expected is hashed by whole pieces until it is asked for") {
  const test::TempDir dir;
  FileHashes hashes;
  FileHashes::Buffers buffers;
  const std::string bytes = bytes_of(min_bytes + piece / 2, 1);
  const Content content = Content::open(dir.write("file", bytes)).value();
  const auto file = hashes.expect(opened(content.path())).value();
  CHECK(hashes.expect(opened(content.path())).value() == file); // not twice
  while (hashes.advance(buffers)) {
  }
  CHECK(hashes.progress(content) == min_bytes);
  hashes.forget(*file);
  CHECK(hashes.progress(content) == 0);
  CHECK_FALSE(hashes.advance(buffers));
}

TEST_CASE("what was hashed as the beginning of an upload is not taken for a later part of one") {
  const test::TempDir dir;
  FileHashes hashes;
  FileHashes::Buffers buffers;
  const std::string bytes = bytes_of(2 * min_bytes, 1);
  const Content content = Content::open(dir.write("file", bytes)).value();
  REQUIRE(hashes.expect(opened(content.path())));
  REQUIRE(hashes.advance(buffers));
  CHECK(hashes.hash(content, hashed("before")).value().save() == hashed("before" + bytes).save());
}

TEST_CASE("a file that becomes shorter is an error, and disturbs no other") {
  const test::TempDir dir;
  FileHashes hashes;
  const std::string bytes = bytes_of(2 * min_bytes, 1);
  const Content content = Content::open(dir.write("file", bytes)).value();
  REQUIRE(::truncate(content.path().c_str(), min_bytes) == 0);
  const auto hash = hashes.hash(content, Sha256());
  REQUIRE_FALSE(hash);
  CHECK(hash.error().code == Code::io);
  const Content other = Content::open(dir.write("other", bytes)).value();
  CHECK(hashes.hash(other, Sha256()).value().save() == hashed(bytes).save());
}

TEST_CASE("many at once, asked for and expected, are each hashed right") {
  constexpr int files = 8, rounds = 6;
  const test::TempDir dir;
  FileHashes hashes;
  std::atomic<bool> stop = false;
  std::thread ahead([&] {
    FileHashes::Buffers buffers;
    while (!stop)
      if (!hashes.advance(buffers)) std::this_thread::yield();
  });
  std::atomic<int> wrong = 0;
  std::vector<std::thread> requests;
  for (int i = 0; i < files; ++i)
    requests.emplace_back([&, i] {
      const std::string bytes = bytes_of(min_bytes + static_cast<std::size_t>(i) * 54321, i);
      const std::string expected = hashed(bytes).save();
      for (int round = 0; round < rounds; ++round) {
        const Content content = Content::open(dir.write(std::to_string(i * rounds + round), bytes)).value();
        if (round % 2 == 0 && !hashes.expect(opened(content.path()))) ++wrong;
        const auto hash = hashes.hash(content, Sha256());
        if (!hash || hash->save() != expected) ++wrong;
      }
    });
  for (std::thread& request : requests) request.join();
  stop = true;
  ahead.join();
  CHECK(wrong == 0);
}
