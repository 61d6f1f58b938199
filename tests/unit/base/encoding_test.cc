#include <catch2/catch.hpp>

#include "base/clock.h"
#include "base/encoding.h"
#include "base/lru_map.h"
#include "base/random.h"

using namespace berth;

TEST_CASE("hexadecimal is lower case, two digits a byte") {
  CHECK(to_hex(std::string_view("\x00\x0f\xff", 3)) == "000fff");
  CHECK(to_hex("").empty());
}

TEST_CASE("base64url: the vectors of RFC 4648 section 10, padded") {
  const std::pair<std::string, std::string> vectors[] = {{"", ""},
                                                         {"f", "Zg=="},
                                                         {"fo", "Zm8="},
                                                         {"foo", "Zm9v"},
                                                         {"foob", "Zm9vYg=="},
                                                         {"fooba", "Zm9vYmE="},
                                                         {"foobar", "Zm9vYmFy"},
                                                         {"\xfb\xff", "-_8="}};
  for (const auto& [bytes, text] : vectors) {
    CHECK(to_base64url(bytes) == text);
    CHECK(from_base64url(text).value() == bytes);
  }
}

TEST_CASE("base64 differs from base64url in two characters") {
  CHECK(from_base64url("-_-_").value() == "\xfb\xff\xbf");
  CHECK(from_base64("+/+/").value() == "\xfb\xff\xbf");
  for (const char* other : {"-_-_", "+_+_", "Zg", "Zg=", "Z==="}) CHECK_FALSE(from_base64(other).has_value());
  CHECK_FALSE(from_base64url("+/+/").has_value());
  CHECK(from_base64("Zm9vYg==").value() == "foob");
}

TEST_CASE("base64url refuses what is not of it") {
  for (const std::string text : {"Z", "Zg", "Zg=", "Zg+=", "Z===", "====", "Zg==Zg==", "Zm9\n", "Zm9v=v=="}) {
    CAPTURE(text);
    CHECK_FALSE(from_base64url(text).has_value());
  }
}

TEST_CASE("times are written as RFC 3339 and read back") {
  const Time time = parse_rfc3339("2024-01-02T03:04:05Z").value();
  CHECK(to_rfc3339(time) == "2024-01-02T03:04:05Z");
  CHECK(to_rfc3339_nano(time) == "2024-01-02T03:04:05Z");
  CHECK(to_rfc3339_nano(parse_rfc3339("2024-01-02T03:04:05.12Z").value()) == "2024-01-02T03:04:05.12Z");
  CHECK(to_rfc3339_nano(parse_rfc3339("2024-02-29T23:59:59.000000001Z").value()) == "2024-02-29T23:59:59.000000001Z");
  CHECK(parse_rfc3339("2024-01-02T05:04:05+02:00").value() == time);
  CHECK(parse_rfc3339("2024-01-01T22:34:05-04:30").value() == time);
}

TEST_CASE("what is no RFC 3339 time is refused") {
  for (const std::string text :
       {"", "2024-01-02", "2024-01-02 03:04:05Z", "2024-13-02T03:04:05Z", "2023-02-29T03:04:05Z",
        "2024-01-02T24:04:05Z", "2024-01-02T03:04:05", "2024-01-02T03:04:05.Z", "2024-01-02T03:04:05+2:00",
        "-024-01-02T03:04:05Z", "2024-01-02T03:04:05.5"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_rfc3339(text).has_value());
  }
}

TEST_CASE("a UUID is version 4 and variant 1") {
  SystemRandom random;
  const std::string uuid = uuid4(random);
  REQUIRE(uuid.size() == 36);
  CHECK((uuid[8] == '-' && uuid[13] == '-' && uuid[18] == '-' && uuid[23] == '-'));
  CHECK(uuid[14] == '4');
  CHECK(std::string("89ab").find(uuid[19]) != std::string::npos);
  CHECK(uuid != uuid4(random));
}

TEST_CASE("an LRU map forgets what was not used for longest") {
  LruMap<std::string, int> map(2);
  map.put("a", 1);
  map.put("b", 2);
  REQUIRE(map.find("a") != nullptr); // now b is the older
  map.put("c", 3);
  CHECK(map.find("b") == nullptr);
  CHECK(*map.find("a") == 1);
  CHECK(*map.find("c") == 3);
  map.put("a", 4);
  CHECK(*map.find("a") == 4);
  CHECK(map.size() == 2);
  map.erase("a");
  map.erase("a");
  CHECK(map.size() == 1);
}
