#include <catch2/catch.hpp>

#include "config/suggest.h"

namespace berth::config {
namespace {

TEST_CASE("edit distance") {
  CHECK(edit_distance("", "") == 0);
  CHECK(edit_distance("abc", "abc") == 0);
  CHECK(edit_distance("", "abc") == 3);
  CHECK(edit_distance("abc", "") == 3);
  CHECK(edit_distance("adress", "address") == 1);
  CHECK(edit_distance("lable", "label") == 1);
  CHECK(edit_distance("kitten", "sitting") == 3);
}

TEST_CASE("the nearest name, if it is near") {
  const std::vector<std::string> names{"addr", "host", "headers", "secret"};
  CHECK(nearest("adr", names) == "addr");
  CHECK(nearest("header", names) == "headers");
  CHECK(nearest("hsot", names) == "host");
  CHECK(nearest("certificate", names).empty());
  CHECK(nearest("x", names).empty());
  CHECK(nearest("", names).empty());
  CHECK(nearest(std::string(100'000, 'a'), names).empty());
}

} // namespace
} // namespace berth::config
