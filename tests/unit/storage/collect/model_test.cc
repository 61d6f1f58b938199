// Nothing that is named is ever lost to a collection, whatever happens when; and a design that does less is found out.
#include <catch2/catch.hpp>

#include "unit/storage/collect/model.h"

using namespace berth::test::model;

namespace {

const std::vector<Operation> all_kinds{{Kind::put, 0}, {Kind::keep, 0}, {Kind::remove, 0},
                                       {Kind::put, 1}, {Kind::keep, 1}, {Kind::remove, 1}};

std::string text_of(const std::vector<std::string>& steps) {
  std::string text;
  for (const std::string& step : steps) text += step + "\n";
  return text;
}

void check_sound(std::vector<Operation> operations, int runs) {
  Model model(std::move(operations), runs, Broken::nothing);
  const auto lost = model.search();
  INFO((lost ? text_of(*lost) : std::string()));
  CHECK_FALSE(lost);
  CHECK(model.states() > 100);
}

} // namespace

TEST_CASE("any three operations, and three runs that may be killed: what is named can be read", "[model]") {
  for (std::size_t i = 0; i < all_kinds.size(); ++i)
    for (std::size_t j = i; j < all_kinds.size(); ++j)
      for (std::size_t k = j; k < all_kinds.size(); ++k) check_sound({all_kinds[i], all_kinds[j], all_kinds[k]}, 3);
}

TEST_CASE("five operations and four runs: what is named can be read", "[model]") {
  check_sound({{Kind::remove, 0}, {Kind::keep, 1}, {Kind::remove, 1}, {Kind::keep, 0}, {Kind::put, 1}}, 4);
}

TEST_CASE("a design that does less loses something", "[model]") {
  const auto broken =
      GENERATE(Broken::deletes_at_once, Broken::no_grace, Broken::readers_do_not_look, Broken::operation_drops_parked);
  CAPTURE(static_cast<int>(broken));
  Model model({{Kind::remove, 0}, {Kind::keep, 1}, {Kind::remove, 1}, {Kind::keep, 0}}, 4, broken);
  const auto lost = model.search();
  REQUIRE(lost);
  CHECK(lost->size() >= 5);
  CHECK(lost->size() <= 30);
}
