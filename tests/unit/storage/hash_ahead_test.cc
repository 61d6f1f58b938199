#include <catch2/catch.hpp>

#include <chrono>
#include <thread>

#include "storage/hash_ahead.h"
#include "unit/temp_dir.h"

using namespace berth;
using storage::HashAhead;

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

std::string digest_with(std::optional<model::Sha256> ahead, const Content& content) {
  model::Sha256 hash = ahead.value_or(model::Sha256());
  REQUIRE(content.read(hash.length(), [&](std::span<const std::byte> rest) -> Result<> {
    hash.update(rest);
    return {};
  }));
  return hash.digest().str();
}

// Takes the hash of a file once `wanted` bytes were hashed; a take ends the hashing, so every try has a file of its
// own.
std::optional<model::Sha256> take_at_least(HashAhead& ahead, const test::TempDir& dir, const std::string& bytes,
                                           std::size_t wanted, std::string& path) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  for (int tries = 1; std::chrono::steady_clock::now() < deadline; ++tries) {
    path = dir.path() + "/" + std::to_string(1000000000 + tries);
    for (std::size_t at = 0; at < bytes.size(); at += piece) append(path, std::string_view(bytes).substr(at, piece));
    std::this_thread::sleep_for(std::chrono::milliseconds(2 * tries));
    if (auto hash = ahead.take(Content::open(path).value()); hash && hash->length() >= wanted) return hash;
  }
  return std::nullopt;
}

} // namespace

TEST_CASE("a file is hashed while it grows, and whoever takes the hash goes on from there") {
  const test::TempDir dir;
  const auto ahead = HashAhead::watch(dir.path()).value();
  const std::string bytes = bytes_of(5 * piece + 12345, 'x');
  std::string path;
  auto hash = take_at_least(*ahead, dir, bytes, 4 * piece, path);
  REQUIRE(hash);
  CHECK(hash->length() <= bytes.size());
  const Content content = Content::open(path).value();
  CHECK(digest_with(std::move(hash), content) == model::CanonicalDigest::of_bytes(bytes).str());
  // Gone, but for a notice that comes late and begins another.
  CHECK(digest_with(ahead->take(content), content) == model::CanonicalDigest::of_bytes(bytes).str());
}

TEST_CASE("taken at any moment of its growth, a hash is that of the file's beginning") {
  const test::TempDir dir;
  const auto ahead = HashAhead::watch(dir.path()).value();
  const std::string bytes = bytes_of(3 * piece, 'y');
  for (int round = 0; round < 30; ++round) {
    const std::string path = dir.path() + "/" + std::to_string(round);
    for (std::size_t at = 0; at < bytes.size(); at += piece / 4)
      append(path, std::string_view(bytes).substr(at, piece / 4));
    const Content content = Content::open(path).value();
    CHECK(digest_with(ahead->take(content), content) == model::CanonicalDigest::of_bytes(bytes).str());
  }
}

TEST_CASE("another file under the same name is not taken for the first") {
  const test::TempDir dir;
  const auto ahead = HashAhead::watch(dir.path()).value();
  std::string path;
  const std::string first = bytes_of(2 * piece, 'a'), second = bytes_of(2 * piece, 'b');
  for (int round = 0; round < 50; ++round) {
    path = dir.write("0000000001", first);
    std::filesystem::remove(path);
    path = dir.write("0000000001", second);
    const Content content = Content::open(path).value();
    CHECK(digest_with(ahead->take(content), content) == model::CanonicalDigest::of_bytes(second).str());
    std::filesystem::remove(path);
  }
}

TEST_CASE("what it does not know it does not answer") {
  const test::TempDir dir, elsewhere;
  const auto ahead = HashAhead::watch(dir.path()).value();
  CHECK_FALSE(ahead->take(Content::of("in memory")));
  CHECK_FALSE(ahead->take(Content::open(elsewhere.write("1", "x")).value()));
  CHECK_FALSE(ahead->take(Content::open(dir.write("2", "small")).value()));
  CHECK_FALSE(HashAhead::watch(dir.path() + "/missing"));
}
