// What driver/local_driver.h promises, asked of every driver that is one.
#include <catch2/catch.hpp>

#include <array>
#include <memory>

#include "contract/drivers.h"

using namespace berth;
using namespace berth::driver;
using test::error_of;

#define FOR_EVERY_DRIVER                                                                                               \
  const std::string kind = GENERATE("memory", "filesystem");                                                           \
  CAPTURE(kind);                                                                                                       \
  test::Drivers drivers;                                                                                               \
  const auto of_kind = drivers.local(kind);                                                                            \
  LocalDriver& driver = *of_kind

TEST_CASE("appending goes on at the offset, and cuts what lies behind it") {
  FOR_EVERY_DRIVER;
  REQUIRE(driver.append("/u/data", 0, Content::of("abc")));
  REQUIRE(driver.append("/u/data", 3, Content::open(drivers.dir.write("chunk", "def")).value()));
  CHECK(driver.get_content("/u/data", 100).value() == "abcdef");
  REQUIRE(driver.append("/u/data", 4, Content::of("X")));
  CHECK(driver.get_content("/u/data", 100).value() == "abcdX");
  REQUIRE(driver.append("/u/data", 2, Content()));
  CHECK(driver.get_content("/u/data", 100).value() == "ab");
  CHECK(error_of(driver.append("/u/data", 3, Content::of("x"))) == Code::corrupt);
}

TEST_CASE("a lock keeps others out until it is gone") {
  FOR_EVERY_DRIVER;
  REQUIRE(driver.put_scratch("/l/startedat", "x"));
  {
    const auto held = driver.lock("/l/startedat");
    REQUIRE(held);
    CHECK(error_of(driver.lock("/l/startedat")) == Code::busy);
    CHECK(driver.get_content("/l/startedat", 10).value() == "x"); // readers are not concerned
  }
  CHECK(driver.lock("/l/startedat"));
}

TEST_CASE("a lock on a file that was removed is none") {
  FOR_EVERY_DRIVER;
  REQUIRE(driver.put_scratch("/l/startedat", "x"));
  const auto held = driver.lock("/l/startedat");
  REQUIRE(held);
  REQUIRE(driver.remove("/l", Durability::scratch));
  CHECK(error_of(driver.lock("/l/startedat")) == Code::not_found);
}

TEST_CASE("a file is made and locked in one go") {
  FOR_EVERY_DRIVER;
  {
    const auto held = driver.make_locked("/l/new/startedat", "now");
    REQUIRE(held);
    CHECK(driver.get_content("/l/new/startedat", 10).value() == "now");
    CHECK(error_of(driver.lock("/l/new/startedat")) == Code::busy);
  }
  CHECK(driver.lock("/l/new/startedat"));
  CHECK(driver.get_content("/l/new/startedat", 10).value() == "now");
  CHECK(error_of(driver.make_locked("/../x", "")) == Code::invalid);
}

TEST_CASE("a directory is removed file by file, whatever else is in it") {
  FOR_EVERY_DRIVER;
  constexpr std::array<std::string_view, 2> names{"startedat", "data"};
  for (const std::string path : {"/u/1/startedat", "/u/1/data", "/u/2/data", "/u/3/data", "/u/3/more/of/it", "/u/4/x"})
    REQUIRE(driver.put_scratch(path, "x"));
  for (const std::string path : {"/u/1", "/u/2", "/u/3"}) {
    CAPTURE(path);
    CHECK(driver.remove_files(path, names));
    CHECK(error_of(driver.stat(path)) == Code::not_found);
    CHECK(error_of(driver.remove_files(path, names)) == Code::not_found);
  }
  CHECK(names_in(driver, "/u").value() == std::vector<std::string>{"4"});
}
