#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>

#include "driver/filesystem.h"
#include "unit/storage/fixture.h"
#include "unit/temp_dir.h"

namespace berth::storage {
namespace {

using test::Fixture;

struct Told {
  std::vector<std::string> paths;
  TellPurged tell = [this](const std::string& path, const Error* why_not) {
    paths.push_back(path + (why_not ? ": " + why_not->message : ""));
  };
};

TEST_CASE("uploads are purged by their age, in every repository, and nothing else is", "[files]") {
  Fixture fixture;
  const Time started = fixture.clock.now();
  std::vector<std::string> uploads;
  for (const char* text : {"a", "a/b", "c/d/e"}) {
    auto repository = fixture.repository(text);
    fixture.push_blob(*repository, text);
    uploads.push_back(paths::upload(test::name(text), fixture.begin(*repository)->id()));
  }
  Told told;
  CHECK(fixture.uploads.purge({started}, told.tell)->uploads == 0);
  CHECK(told.paths.empty());

  const PurgeOptions dry{started + std::chrono::seconds(1), true};
  CHECK(fixture.uploads.purge(dry, told.tell)->uploads == 3);
  CHECK(fixture.driver.stat(uploads[2]));

  told.paths.clear();
  CHECK(fixture.uploads.purge({started + std::chrono::seconds(1)}, told.tell)->uploads == 3);
  CHECK(told.paths == uploads);
  for (const std::string& upload : uploads) CHECK(!fixture.driver.stat(upload));
  CHECK(fixture.driver.stat(paths::blob_data(test::digest_of("c/d/e"))));
  CHECK(fixture.driver.stat(paths::layer_link(test::name("a"), test::digest_of("a"))));
}

TEST_CASE("an upload that is being written stays, however old", "[files]") {
  Fixture fixture;
  auto repository = fixture.repository("a");
  const auto writer = fixture.begin(*repository);
  Told told;
  const auto purged = fixture.uploads.purge({Time::max()}, told.tell);
  CHECK((purged->uploads == 0 && purged->busy == 1));
  CHECK(told.paths.empty());
  CHECK(writer->commit(Content::of("x"), test::digest_of("x")));
}

TEST_CASE("an upload that does not say when it began stays", "[files]") {
  Fixture fixture;
  REQUIRE(fixture.driver.put_scratch("/docker/registry/v2/repositories/a/_uploads/1/startedat", "yesterday"));
  Told told;
  CHECK(fixture.uploads.purge({Time::max()}, told.tell)->uploads == 0);
}

TEST_CASE("what is left of an upload whose removal was cut short is purged by its own age") {
  const test::TempDir dir;
  driver::FsOps ops;
  SystemRandom random;
  driver::Filesystem driver(dir.path(), ops, random);
  const SystemClock clock;
  FileUploads of_disk(driver, clock, random);
  const std::string uploads = "/docker/registry/v2/repositories/a/_uploads/";
  REQUIRE(driver.put_scratch(uploads + "1/data", "x"));
  REQUIRE(driver.make_directory(uploads + "2"));
  REQUIRE(driver.put_scratch(uploads + "3/startedat", "yesterday"));
  const Time now = clock.now();
  Told told;
  CHECK(of_disk.purge({now - std::chrono::hours(1)}, told.tell)->uploads == 0);
  CHECK(of_disk.purge({now + std::chrono::hours(1), true}, told.tell)->uploads == 2);
  CHECK(driver.stat(uploads + "1/data"));
  CHECK(of_disk.purge({now + std::chrono::hours(1)}, told.tell)->uploads == 2);
  CHECK(driver::names_in(driver, uploads.substr(0, uploads.size() - 1)).value() == std::vector<std::string>{"3"});
}

TEST_CASE("an empty store, and a purge that is told to stop") {
  Fixture fixture;
  Told told;
  CHECK(fixture.uploads.purge({Time::max()}, told.tell)->uploads == 0);
  auto repository = fixture.repository("a");
  static_cast<void>(fixture.begin(*repository)->id());
  CHECK(fixture.uploads.purge({Time::max(), false, [] { return true; }}, told.tell)->uploads == 0);
}

TEST_CASE("what is somebody else's stops no purge, and stays") {
  namespace fs = std::filesystem;
  Fixture fixture;
  const test::TempDir dir;
  driver::FsOps ops;
  driver::Filesystem files(dir.path(), ops, fixture.random);
  const fs::path top = dir.path() + paths::repositories();
  REQUIRE(files.put_scratch(paths::repositories() + "/z/_uploads/1/startedat", "2020-01-02T03:04:05Z"));
  fs::create_directories(top / "lost+found/_uploads/1");
  fs::create_directories(top / "z/_uploads/with space");
  fs::create_directory_symlink("..", top / "z/up");
  fs::create_symlink("circle", top / "circle");
  for (const fs::path& file : {top / "a.txt", top / "z/_uploads/Thumbs.db"}) std::ofstream(file) << "x";
  Told told;
  const auto purged = FileUploads(files, fixture.clock, fixture.random).purge({fixture.clock.now()}, told.tell);
  REQUIRE(purged);
  CHECK(told.paths == std::vector<std::string>{paths::repositories() + "/z/_uploads/1"});
  CHECK(fs::exists(top / "z/_uploads/Thumbs.db"));
}

} // namespace
} // namespace berth::storage
