// Decompressor: gzip, bzip2, xz and nothing at all, in pieces of any size; and packing again.
#include <bzlib.h>
#include <lzma.h>
#include <zlib.h>

#include <catch2/catch.hpp>

#include "storage/v1/decompressor.h"
#include "storage/v1/gzip_layer.h"
#include "storage/v1/layer_sums.h"
#include "unit/storage/fixture.h"

using namespace berth;
using namespace berth::test;
using storage::Compression;
using storage::Decompressor;

namespace {

std::string gzip(const std::string& text) {
  z_stream stream{};
  REQUIRE(deflateInit2(&stream, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string out(text.size() + 1000, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  REQUIRE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}
std::string bzip2(std::string text) {
  std::string out(text.size() + 1000, '\0');
  auto size = static_cast<unsigned>(out.size());
  REQUIRE(BZ2_bzBuffToBuffCompress(out.data(), &size, text.data(), static_cast<unsigned>(text.size()), 1, 0, 0) ==
          BZ_OK);
  out.resize(size);
  return out;
}
std::string xz(const std::string& text) {
  std::string out(text.size() + 1000, '\0');
  std::size_t size = 0;
  REQUIRE(lzma_easy_buffer_encode(1, LZMA_CHECK_CRC64, nullptr, reinterpret_cast<const std::uint8_t*>(text.data()),
                                  text.size(), reinterpret_cast<std::uint8_t*>(out.data()), &size,
                                  out.size()) == LZMA_OK);
  out.resize(size);
  return out;
}

std::string decompress(const std::string& bytes, std::size_t piece, Compression* compression = nullptr) {
  std::string text;
  storage::Unpacking unpacking({});
  const auto task = unpacking.begin(nullptr).value();
  Decompressor decompressor(*task, bytes.size(), [&](std::span<const std::byte> out) -> Result<> {
    text += as_text(out);
    return {};
  });
  Result<> result;
  for (std::size_t at = 0; at < bytes.size() && result; at += piece)
    result = decompressor.update(as_bytes(std::string_view(bytes).substr(at, piece)));
  if (result) result = decompressor.finish();
  if (compression != nullptr) *compression = decompressor.compression();
  if (result) return text;
  CHECK(result.error().code == Code::image_invalid);
  return "ERROR " + result.error().message;
}

std::string large() {
  std::string text;
  while (text.size() < 1'000'000) text += std::to_string(text.size() * 7919 % 10007) + std::string(50, 'z');
  return text;
}

} // namespace

TEST_CASE("every packing, in pieces of any size") {
  for (const std::string& text : {std::string(), std::string("x"), std::string("seven b"), large()}) {
    const std::pair<std::string, Compression> packings[] = {{text, Compression::none},
                                                            {gzip(text), Compression::gzip},
                                                            {bzip2(text), Compression::bzip2},
                                                            {xz(text), Compression::xz}};
    for (const auto& [packed, expected] : packings)
      for (const std::size_t piece : {std::size_t{1}, std::size_t{1000}, std::size_t{1} << 20}) {
        if (piece == 1 && packed.size() > 300'000) continue; // slow, and tells nothing new
        Compression found{};
        CHECK((decompress(packed, piece, &found) == text));
        CHECK(found == expected);
      }
  }
  for (const auto& pack : {gzip, +[](const std::string& t) { return bzip2(t); }, xz})
    CHECK(decompress(pack("one ") + pack("two"), 5) == "one two");
  CHECK(decompress(gzip("x") + std::string(700, '\0'), 512) == "x"); // padding
}

TEST_CASE("damaged packings are refused") {
  const std::string text = large().substr(0, 5000);
  for (const std::string& packed : {gzip(text), bzip2(text), xz(text)}) {
    CHECK(decompress(packed.substr(0, packed.size() - 3), 100).starts_with("ERROR"));
    CHECK(decompress(packed.substr(0, 12), 100).starts_with("ERROR"));
    std::string changed = packed;
    for (std::size_t i = 40; i < 60; ++i) changed[i] = static_cast<char>(~changed[i]);
    CHECK(decompress(changed, 100).starts_with("ERROR"));
    CHECK(decompress(packed + "rest", 100).starts_with("ERROR"));
  }
}

TEST_CASE("the sums of a layer are all of one pass") {
  const std::string packed = gzip("no tar"), json = R"({"id":"x"})";
  storage::Unpacking unpacking({});
  const auto task = unpacking.begin(nullptr).value();
  model::Sha256 begun;
  begun.update(as_bytes(json));
  const auto sums = storage::sum_layer(*task, begun, Content::of(packed));
  REQUIRE(sums);
  CHECK(sums->digest == digest_of(packed));
  CHECK(sums->payload == digest_of(json + "\n" + packed));
  CHECK(sums->diff_id == digest_of("no tar"));
  CHECK(sums->tarsum.empty());
  CHECK(sums->size == packed.size());
  const auto tar = storage::sum_layer(*task, {}, Content::of(gzip(std::string(1024, '\0'))));
  CHECK(tar->tarsum == "tarsum+sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST_CASE("a layer is packed again, always alike") {
  Fixture fixture;
  const auto repository = fixture.repository("a");
  storage::Unpacking unpacking({});
  const auto task = unpacking.begin(nullptr).value();
  const std::string text = large() + large() + large() + large() + large();
  const auto first = storage::gzip_layer(*task, repository->blobs(), Content::of(xz(text)));
  REQUIRE(first);
  CHECK(first->digest == storage::gzip_layer(*task, repository->blobs(), Content::of(bzip2(text)))->digest);
  CHECK((decompress(repository->blobs().get(first->digest, 1 << 26).value(), 100'000) == text));
  CHECK(storage::gzip_layer(*task, repository->blobs(), Content::of(xz(text).substr(0, 1000))).error().code ==
        Code::image_invalid);
}
