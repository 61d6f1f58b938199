#include "storage/collect/live_set.h"

#include <catch2/catch.hpp>

#include <string>

namespace berth::storage {
namespace {

model::CanonicalDigest digest_of(int number) { return model::CanonicalDigest::of_bytes(std::to_string(number)); }

TEST_CASE("a live set has what was added, each once") {
  constexpr int many = 40'000; // more than are added before the set is sorted
  LiveSet set;
  for (int round = 0; round < 2; ++round)
    for (int i = 0; i < many; ++i) set.add(digest_of(i));
  set.seal();
  CHECK(set.size() == many);
  for (int i = 0; i < many; i += 7) CHECK(set.has(digest_of(i)));
  CHECK_FALSE(set.has(digest_of(many)));

  set.add(digest_of(many));
  set.seal();
  CHECK(set.size() == many + 1);
  CHECK(set.has(digest_of(many)));
}

TEST_CASE("an empty live set has nothing") {
  LiveSet set;
  set.seal();
  CHECK_FALSE(set.has(digest_of(0)));
}

} // namespace
} // namespace berth::storage
