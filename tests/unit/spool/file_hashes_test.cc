#include <catch2/catch.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <thread>
#include <vector>

#include "base/encoding.h"
#include "model/sha256_pair.h"
#include "spool/file_hashes.h"
#include "unit/temp_dir.h"

using namespace berth;
using model::Sha256;
using spool::FileHashes;
using Advance = FileHashes::Advance;

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
  REQUIRE(hashes.progress(other) == 0);
  CHECK(hashes.hash(Content::open(dir.write("file", bytes)).value(), Sha256()).value().save() == hashed(bytes).save());
  CHECK(hashes.progress(other) == 2 * min_bytes);
  CHECK(hashes.hash(other, Sha256()).value().save() == hashed(waiting).save());
}

TEST_CASE("also into the middle of a block, and beside one that begins there") {
  if (!model::can_hash_pairs()) {
    WARN("not run: this processor has no SHA instructions");
    return;
  }
  const test::TempDir dir;
  FileHashes hashes;
  const std::string bytes = bytes_of(2 * min_bytes + 5, 1), waiting = bytes_of(3 * min_bytes, 2);
  const Content other = Content::open(dir.write("other", waiting)).value();
  REQUIRE(hashes.expect(opened(other.path())));
  const Content content = Content::open(dir.write("file", bytes)).value();
  CHECK(hashes.hash(content, hashed("odd")).value().save() == hashed("odd" + bytes).save());
  CHECK(hashes.progress(other) > min_bytes);
  CHECK(hashes.hash(other, Sha256()).value().save() == hashed(waiting).save());
}

TEST_CASE("what is expected is hashed by whole pieces, as it grows") {
  const test::TempDir dir;
  FileHashes hashes;
  FileHashes::Buffers buffers;
  const std::string bytes = bytes_of(min_bytes + piece / 2, 1);
  const std::string path = dir.write("file", bytes);
  const Content content = Content::open(path).value();
  const auto file = hashes.expect(opened(path));
  REQUIRE(file);
  CHECK(hashes.expect(opened(path)) == file); // not twice
  while (hashes.advance(buffers) == Advance::some) {
  }
  CHECK(hashes.progress(content) == min_bytes);
  std::ofstream(path, std::ios::binary | std::ios::app) << std::string(piece / 2, 'x');
  CHECK(hashes.advance(buffers) == Advance::none); // nobody says that it grew
  FileHashes::grew(*file);
  CHECK(hashes.advance(buffers) == Advance::some);
  CHECK(hashes.progress(content) == min_bytes + piece);
  hashes.forget(*file);
  CHECK(hashes.progress(content) == 0);
  CHECK(hashes.advance(buffers) == Advance::none);
}

TEST_CASE("a file that was hashed is not expected again until it changes") {
  const test::TempDir dir;
  FileHashes hashes;
  const std::string path = dir.write("file", bytes_of(min_bytes, 1));
  REQUIRE(hashes.hash(Content::open(path).value(), Sha256()));
  CHECK_FALSE(hashes.expect(opened(path)));
  REQUIRE(::utimensat(AT_FDCWD, path.c_str(), nullptr, 0) == 0);
  CHECK(hashes.expect(opened(path)));
}

TEST_CASE("what was hashed as the beginning of an upload is not taken for a later part of one") {
  const test::TempDir dir;
  FileHashes hashes;
  FileHashes::Buffers buffers;
  const std::string bytes = bytes_of(2 * min_bytes, 1);
  const Content content = Content::open(dir.write("file", bytes)).value();
  REQUIRE(hashes.expect(opened(content.path())));
  REQUIRE(hashes.advance(buffers) == Advance::some);
  CHECK(hashes.hash(content, hashed("before")).value().save() == hashed("before" + bytes).save());
}

TEST_CASE("a file that becomes shorter is an error, and disturbs no other") {
  const test::TempDir dir;
  FileHashes hashes;
  const std::string bytes = bytes_of(2 * min_bytes, 1);
  const Content expected = Content::open(dir.write("expected", bytes)).value();
  REQUIRE(hashes.expect(opened(expected.path())));
  const Content content = Content::open(dir.write("file", bytes)).value();
  REQUIRE(::truncate(content.path().c_str(), min_bytes) == 0);
  const auto hash = hashes.hash(content, Sha256());
  REQUIRE_FALSE(hash);
  CHECK(hash.error().code == Code::io);
  CHECK(hashes.progress(content) == 0); // forgotten
  CHECK(hashes.hash(expected, Sha256()).value().save() == hashed(bytes).save());
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
      if (hashes.advance(buffers) != Advance::some) std::this_thread::yield();
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
