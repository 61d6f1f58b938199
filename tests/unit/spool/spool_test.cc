#include "spool/spool.h"

#include <catch2/catch.hpp>

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>

#include "spool/lock_file.h"
#include "unit/temp_dir.h"

namespace berth::spool {
namespace {

namespace fs = std::filesystem;

TEST_CASE("a body file is opened directly in the spool, and nowhere else") {
  test::TempDir dir;
  const std::string spool = dir.path();
  dir.write("0000000001", "body");
  dir.write("0000000002", "");
  dir.write("a.b", "body");
  REQUIRE(open_spooled(spool + "/0000000001", spool));
  CHECK(open_spooled(spool + "/0000000001", spool)->size() == 4);
  CHECK(open_spooled(spool + "/0000000001", spool)->is_file());
  CHECK(open_spooled(spool + "/0000000002", spool)->empty());
  CHECK_FALSE(open_spooled(spool + "/0000000002", spool)->is_file());
  for (const std::string& path :
       {std::string("/etc/passwd"), spool, spool + "/", spool + "/..", spool + "/.", spool + "/a.b",
        spool + "//0000000001", spool + "/../" + spool.substr(1) + "/0000000001", spool + "/./0000000001",
        std::string("0000000001"), spool + "/none", spool + "x/0000000001"}) {
    CAPTURE(path);
    const auto opened = open_spooled(path, spool);
    REQUIRE_FALSE(opened);
    CHECK(opened.error().code == Code::io);
  }
}

TEST_CASE("a spool has one owner, until that lets it go") {
  const test::TempDir dir;
  std::optional<UniqueFd> held = lock_spool(dir.path()).value();
  CHECK(try_lock(dir.path() + "/lock").error().code == Code::busy);
  CHECK(lock_spool(dir.path()).error().code == Code::invalid);
  fs::remove(dir.path() + "/lock"); // whoever removes it takes it from its owner
  CHECK(lock_spool(dir.path()));
  held.reset();
  CHECK(lock_spool(dir.path()));
}

TEST_CASE("bodies are removed, and nothing else") {
  test::TempDir dir;
  dir.write("0000000001", "body");
  dir.write("0000000002", "old");
  dir.write("lock", "1");
  dir.write("00000000003", "eleven digits");
  fs::create_directory(dir.path() + "/0000000004");
  const auto names = [&] {
    std::string all;
    for (const char* name : {"0000000001", "0000000002", "lock", "00000000003", "0000000004"})
      if (fs::exists(dir.path() + "/" + name)) all.append(all.empty() ? "" : " ").append(name);
    return all;
  };
  fs::last_write_time(dir.path() + "/0000000002", fs::file_time_type::clock::now() - std::chrono::hours(25));
  CHECK(remove_old_bodies(dir.path()) == 1);
  CHECK(names() == "0000000001 lock 00000000003 0000000004");
  empty_spool(dir.path());
  CHECK(names() == "lock 00000000003 0000000004");
  fs::last_write_time(dir.path() + "/00000000003", fs::file_time_type::clock::now() - std::chrono::hours(25));
  CHECK(remove_old_temporaries(dir.path()) == 1);
  CHECK(names() == "lock 0000000004");
}

} // namespace
} // namespace berth::spool
