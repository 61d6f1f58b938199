#include "base/shared_cache.h"

#include <catch2/catch.hpp>

#include <string>

namespace berth {
namespace {

TEST_CASE("a shared cache finds what was put, and counts") {
  SharedCache<int> cache(std::size_t{1} << 20);
  CHECK_FALSE(cache.find("a"));
  cache.put("a", 1);
  cache.put("a", 2);
  CHECK(cache.find("a") == 2);
  CHECK((cache.has("a") && !cache.has("b")));
  const CacheFacts facts = cache.facts();
  CHECK((facts.entries == 1 && facts.hits == 1 && facts.misses == 1));
  cache.erase("a");
  cache.erase("b");
  CHECK_FALSE(cache.find("a"));
  CHECK((cache.facts().entries == 0 && cache.facts().bytes == 0));
}

TEST_CASE("a shared cache takes no more than its bytes, and forgets the least recently used") {
  constexpr std::size_t max_bytes = 10'000, value_bytes = 1'000;
  SharedCache<int> cache(max_bytes);
  cache.put("used", 0, value_bytes);
  for (int i = 0; i < 100; ++i) {
    cache.put("n" + std::to_string(i), i, value_bytes);
    CHECK(cache.find("used"));
    CHECK(cache.facts().bytes <= max_bytes);
  }
  CHECK(cache.find("n99"));
  CHECK_FALSE(cache.find("n50"));
  CHECK(cache.facts().entries >= 7);

  cache.put("used", 1, max_bytes); // too large: what was there is not true any more, either
  CHECK_FALSE(cache.find("used"));
  CHECK(cache.find("n99"));
}

TEST_CASE("a shared cache takes no more than its entries") {
  SharedCache<std::string> cache(std::size_t{1} << 20, 2);
  for (const char* key : {"a", "b", "c"}) cache.put(key, key);
  CHECK_FALSE(cache.find("a"));
  CHECK((cache.find("b") == "b" && cache.find("c") == "c"));
}

TEST_CASE("a shared cache tells nothing from a value that is nothing") {
  SharedCache<std::optional<int>> cache(std::size_t{1} << 20);
  CHECK_FALSE(cache.find("a").has_value());
  cache.put("a", std::nullopt);
  REQUIRE(cache.find("a").has_value());
  CHECK_FALSE(cache.find("a")->has_value());
}

TEST_CASE("what a long key takes is counted") {
  SharedCache<int> cache(std::size_t{1} << 20);
  cache.put("short", 1);
  const std::size_t before = cache.facts().bytes;
  cache.put(std::string(1'000, 'k'), 1);
  CHECK(cache.facts().bytes - before >= 2'000);
}

} // namespace
} // namespace berth
