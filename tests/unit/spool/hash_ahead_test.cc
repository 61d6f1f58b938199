#include <catch2/catch.hpp>

#include <chrono>
#include <thread>

#include "spool/hash_ahead.h"
#include "unit/temp_dir.h"

using namespace berth;
using spool::FileHashes;
using spool::HashAhead;

namespace {

constexpr std::size_t piece = 1 << 20;
constexpr std::chrono::seconds patience{10};

std::string bytes_of(std::size_t size, char seed) {
  std::string bytes(size, seed);
  for (std::size_t i = 0; i < size; i += 97) bytes[i] = static_cast<char>(i);
  return bytes;
}

void append(const std::string& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary | std::ios::app).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

std::string digest_of_file(FileHashes& hashes, const std::string& path) {
  return hashes.hash(Content::open(path).value(), model::Sha256()).value().digest().str();
}

std::string digest_of(const std::string& bytes) { return model::CanonicalDigest::of_bytes(bytes).str(); }

// Whether so much of a file comes to be hashed although nobody asks.
bool hashed_ahead(FileHashes& hashes, const std::string& path, std::uint64_t wanted) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  const Content content = Content::open(path).value();
  while (hashes.progress(content) < wanted) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

} // namespace

TEST_CASE("a file is hashed while it grows, and whoever asks goes on from there") {
  const test::TempDir dir;
  FileHashes hashes;
  const auto ahead = HashAhead::watch(dir.path(), hashes).value();
  const std::string bytes = bytes_of(5 * piece + 12345, 'x');
  const std::string path = dir.path() + "/0000000001";
  append(path, std::string_view(bytes).substr(0, 2 * piece));
  CHECK(hashed_ahead(hashes, path, 2 * piece));
  append(path, std::string_view(bytes).substr(2 * piece));
  CHECK(hashed_ahead(hashes, path, 5 * piece));
  CHECK(digest_of_file(hashes, path) == digest_of(bytes));
  CHECK(digest_of_file(hashes, path) == digest_of(bytes)); // it is known no more
}

TEST_CASE("asked for at any moment of its growth, the hash is that of what is there") {
  const test::TempDir dir;
  FileHashes hashes;
  const auto ahead = HashAhead::watch(dir.path(), hashes).value();
  const std::string bytes = bytes_of(3 * piece, 'y');
  for (int round = 0; round < 30; ++round) {
    const std::string path = dir.path() + "/" + std::to_string(round);
    for (std::size_t at = 0; at < bytes.size(); at += piece / 4)
      append(path, std::string_view(bytes).substr(at, piece / 4));
    CHECK(digest_of_file(hashes, path) == digest_of(bytes));
  }
}

TEST_CASE("another file under the same name is not taken for the first") {
  const test::TempDir dir;
  FileHashes hashes;
  const auto ahead = HashAhead::watch(dir.path(), hashes).value();
  const std::string first = bytes_of(2 * piece, 'a'), second = bytes_of(2 * piece, 'b');
  for (int round = 0; round < 50; ++round) {
    std::string path = dir.write("0000000001", first);
    std::filesystem::remove(path);
    path = dir.write("0000000001", second);
    CHECK(digest_of_file(hashes, path) == digest_of(second));
    std::filesystem::remove(path);
  }
}

TEST_CASE("a file that is removed is forgotten") {
  const test::TempDir dir;
  FileHashes hashes;
  const auto ahead = HashAhead::watch(dir.path(), hashes).value();
  const std::string path = dir.write("0000000001", bytes_of(2 * piece, 'a'));
  const Content content = Content::open(path).value();
  REQUIRE(hashed_ahead(hashes, path, 2 * piece));
  std::filesystem::remove(path);
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (hashes.progress(content) > 0 && std::chrono::steady_clock::now() < deadline)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  CHECK(hashes.progress(content) == 0);
}

TEST_CASE("what is small, elsewhere or was hashed is left alone; what is no directory is refused") {
  const test::TempDir dir, elsewhere;
  FileHashes hashes;
  const auto ahead = HashAhead::watch(dir.path(), hashes).value();
  const std::string small = dir.write("1", "small"), other = elsewhere.write("2", bytes_of(2 * piece, 'c'));
  // A notice of it comes when it was hashed; it may have been known before.
  const std::string stored = dir.write("4", bytes_of(2 * piece, 'e'));
  CHECK(digest_of_file(hashes, stored) == digest_of(bytes_of(2 * piece, 'e')));
  REQUIRE(hashed_ahead(hashes, dir.write("3", bytes_of(2 * piece, 'd')), piece)); // the notices were read
  CHECK(hashes.progress(Content::open(small).value()) == 0);
  CHECK(hashes.progress(Content::open(other).value()) == 0);
  CHECK(hashes.progress(Content::open(stored).value()) == 0);
  CHECK_FALSE(HashAhead::watch(dir.path() + "/missing", hashes));
}
