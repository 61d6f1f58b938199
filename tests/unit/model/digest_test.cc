#include <catch2/catch.hpp>

#include "base/encoding.h"
#include "model/digest.h"
#include "model/digester.h"
#include "model/sha256_pair.h"

using namespace berth;
using namespace berth::model;

namespace {

std::string bytes_from_hex(std::string_view hex) {
  std::string bytes;
  for (std::size_t i = 0; i < hex.size(); i += 2)
    bytes += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  return bytes;
}

// The bytes 0x00..0x63.
std::string hundred_bytes() {
  std::string bytes;
  for (int i = 0; i < 100; ++i) bytes += static_cast<char>(i);
  return bytes;
}

Sha256 hashed(std::string_view bytes) {
  Sha256 sha256;
  sha256.update(as_bytes(bytes));
  return sha256;
}

} // namespace

TEST_CASE("digests parse by their algorithm's length") {
  const std::string hex(64, 'a');
  CHECK(Digest::parse("sha256:" + hex)->hex() == hex);
  CHECK(Digest::parse("sha384:" + std::string(96, '0'))->algorithm() == Algorithm::sha384);
  CHECK(Digest::parse("sha512:" + std::string(128, 'f'))->algorithm() == Algorithm::sha512);
}

TEST_CASE("what is no digest is refused as DIGEST_INVALID") {
  for (const std::string& text :
       {std::string(""), std::string("sha256"), std::string("sha256:"), "sha256:" + std::string(63, 'a'),
        "sha256:" + std::string(65, 'a'), "sha256:" + std::string(64, 'A'), "sha256:" + std::string(64, 'g'),
        "sha512:" + std::string(64, 'a'), "md5:" + std::string(32, 'a'), ":" + std::string(64, 'a'),
        "SHA256:" + std::string(64, 'a'), "sha256:" + std::string(63, 'a') + "\n",
        "sha256:../" + std::string(61, 'a')}) {
    CAPTURE(text);
    const auto digest = Digest::parse(text);
    REQUIRE_FALSE(digest);
    CHECK(digest.error().code == Code::digest_invalid);
  }
}

TEST_CASE("a canonical digest is a sha256 digest") {
  CHECK(CanonicalDigest::of_bytes("").str() ==
        "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(CanonicalDigest::of_bytes("{}").str() ==
        "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a");
  CHECK_FALSE(CanonicalDigest::parse("sha512:" + std::string(128, 'a')));
}

TEST_CASE("other algorithms hash too") {
  Digester digester(Algorithm::sha512);
  digester.update(as_bytes("a"));
  digester.update(as_bytes("bc"));
  CHECK(digester.finish().str() == "sha512:"
                                   "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836b"
                                   "a3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
}

TEST_CASE("the saved state is that of docker/distribution") {
  const std::string initial = "736861036a09e667bb67ae853c6ef372a54ff53a510e527f9b05688c1f83d9ab5be0cd19";
  CHECK(to_hex(Sha256().save()) == initial + std::string(144, '0'));
  CHECK(to_hex(hashed("abc").save()) == initial + "616263" + std::string(122, '0') + "0000000000000003");
  CHECK(to_hex(hashed(hundred_bytes()).save()) ==
        "73686103fc99a2df88f42a7a7bb9d18033cdc6a20256755f9d5b9a5044a9cc315abe84a7" +
            to_hex(hundred_bytes().substr(64)) + std::string(56, '0') + "0000000000000064");
}

TEST_CASE("hashing goes on from a saved state as if it had not stopped") {
  std::string bytes;
  for (int i = 0; i < 5000; ++i) bytes += static_cast<char>(i * 31);
  for (const std::size_t cut : {0, 1, 55, 56, 63, 64, 65, 127, 128, 4096, 4999, 5000}) {
    CAPTURE(cut);
    auto resumed = Sha256::restore(hashed(bytes.substr(0, cut)).save());
    REQUIRE(resumed);
    CHECK(resumed->length() == cut);
    resumed->update(as_bytes(std::string_view(bytes).substr(cut)));
    CHECK(resumed->digest() == CanonicalDigest::of_bytes(bytes));
  }
}

TEST_CASE("two hashed at once are as each by itself") {
  if (!can_hash_pairs()) WARN("this processor has no SHA instructions: hashed one after the other");
  std::string bytes;
  for (int i = 0; i < 10000; ++i) bytes += static_cast<char>(i * 131 >> 3);
  const std::string_view all = bytes;
  // Before: what each has hashed already. A tail that is no whole block is kept for the next time.
  for (const std::size_t before : {0, 1, 64, 100, 128})
    for (const std::size_t first : {0, 1, 63, 64, 65, 128, 4096, 4999})
      for (const std::size_t second : {0, 64, 127, 4096, 5000}) {
        CAPTURE(before, first, second);
        const std::string_view of_a = all.substr(0, before + first), of_b = all.substr(4000, second);
        Sha256 a = hashed(of_a.substr(0, before)), b;
        Sha256::update_both(a, as_bytes(of_a.substr(before)), b, as_bytes(of_b));
        CHECK(a.length() == of_a.size());
        CHECK(b.length() == of_b.size());
        CHECK(a.save() == hashed(of_a).save());
        CHECK(b.save() == hashed(of_b).save());
        Sha256::update_both(b, as_bytes(all.substr(0, 640)), a, as_bytes(all.substr(640, 640)));
        CHECK(a.digest() == CanonicalDigest::of_bytes(std::string(of_a) + std::string(all.substr(640, 640))));
        CHECK(b.digest() == CanonicalDigest::of_bytes(std::string(of_b) + std::string(all.substr(0, 640))));
      }
}

TEST_CASE("lengths beyond four gigabits are counted in pairs too") {
  std::string state = hashed("").save();
  state.replace(100, 8, bytes_from_hex("000000001fffffc0")); // 64 bytes before 2^32 bits
  Sha256 one = Sha256::restore(state).value(), other = one, alone = one;
  const std::string block(128, 'x');
  Sha256::update_both(one, as_bytes(block), other, as_bytes(block));
  alone.update(as_bytes(block));
  CHECK(one.length() == 0x20000040);
  CHECK(one.save() == alone.save());
  CHECK(other.save() == alone.save());
}

TEST_CASE("a state beyond four gigabits keeps its length") {
  std::string state = hashed("abc").save();
  state.replace(100, 8, bytes_from_hex("0000000123456780"));
  const auto restored = Sha256::restore(state);
  REQUIRE(restored);
  CHECK(restored->length() == 0x123456780);
  CHECK(to_hex(restored->save()).substr(200) == "0000000123456780");
}

TEST_CASE("what is no sha256 state is refused") {
  const std::string good = Sha256().save();
  CHECK(Sha256::restore(good));
  CHECK_FALSE(Sha256::restore(""));
  CHECK_FALSE(Sha256::restore(good.substr(1)));
  CHECK_FALSE(Sha256::restore(good + "x"));
  CHECK_FALSE(Sha256::restore("sha\x02" + good.substr(4))); // sha224
  CHECK_FALSE(Sha256::restore(std::string(108, '\0')));
}
