// What driver/storage_driver.h promises, asked of every driver.
#include <catch2/catch.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "driver/filesystem.h"
#include "driver/memory.h"
#include "unit/temp_dir.h"

using namespace berth;
using namespace berth::driver;

namespace {

struct Subject {
  test::TempDir dir;
  FsOps ops;
  SystemRandom random;
  std::unique_ptr<StorageDriver> driver;
};

std::unique_ptr<Subject> make(const std::string& kind) {
  auto subject = std::make_unique<Subject>();
  if (kind == "memory")
    subject->driver = std::make_unique<Memory>();
  else
    subject->driver = std::make_unique<Filesystem>(subject->dir.path() + "/root", subject->ops, subject->random);
  return subject;
}

// A put of one file.
std::vector<PutFile> only(std::string path, std::optional<Content> content) {
  std::vector<PutFile> files;
  files.push_back({std::move(path), std::move(content)});
  return files;
}

std::string read_from(StorageDriver& driver, const std::string& path) {
  std::string bytes;
  const auto content = driver.open(path);
  REQUIRE(content);
  REQUIRE(content->read([&](std::span<const std::byte> piece) -> Result<> {
    bytes.append(reinterpret_cast<const char*>(piece.data()), piece.size());
    return {};
  }));
  return bytes;
}

Code error_of(const auto& result) {
  REQUIRE_FALSE(result);
  return result.error().code;
}

} // namespace

#define FOR_EVERY_DRIVER                                                                                               \
  const std::string kind = GENERATE("memory", "filesystem");                                                           \
  CAPTURE(kind);                                                                                                       \
  const auto subject = make(kind);                                                                                     \
  StorageDriver& driver = *subject->driver

TEST_CASE("what was put is there, whole, and can be replaced") {
  FOR_EVERY_DRIVER;
  for (const bool scratch : {true, false}) {
    REQUIRE((scratch ? driver.put_scratch("/a/b/link", "one") : driver.put(only("/a/b/link", Content::of("one")))));
    CHECK(driver.get_content("/a/b/link", 3).value() == "one");
    REQUIRE(
        (scratch ? driver.put_scratch("/a/b/link", "second") : driver.put(only("/a/b/link", Content::of("second")))));
    CHECK(driver.get_content("/a/b/link", 100).value() == "second");
    CHECK(driver.stat("/a/b/link")->size == 6);
    CHECK_FALSE(driver.stat("/a/b/link")->is_directory);
    CHECK(driver.stat("/a/b")->is_directory);
  }
  CHECK(error_of(driver.get_content("/a/b/link", 5)) == Code::size_invalid);
  CHECK(read_from(driver, "/a/b/link") == "second");
}

TEST_CASE("what is not there is not found") {
  FOR_EVERY_DRIVER;
  REQUIRE(driver.put_scratch("/a/file", "x"));
  for (const std::string path : {"/b", "/a/b", "/a/file/below", "/b/c/d"}) {
    CAPTURE(path);
    CHECK(error_of(driver.stat(path)) == Code::not_found);
    CHECK(error_of(driver.get_content(path, 10)) == Code::not_found);
    CHECK(error_of(driver.open(path)) == Code::not_found);
    CHECK(error_of(driver.list(path)) == Code::not_found);
    CHECK(error_of(driver.remove(path, Durability::durable)) == Code::not_found);
    CHECK(error_of(driver.lock(path)) == Code::not_found);
  }
  CHECK(error_of(driver.list("/a/file")) == Code::not_found);
  CHECK(error_of(driver.get_content("/a", 10)) == Code::not_found);
}

TEST_CASE("nothing but paths of the store is taken") {
  FOR_EVERY_DRIVER;
  for (const std::string& path :
       {std::string(""), std::string("/"), std::string("a"), std::string("/a/"), std::string("//a"),
        std::string("/a/../b"), std::string("/.."), std::string("/."), std::string("/a b"), std::string("/a\0b", 4),
        std::string("/a/./b"), std::string("/\xc3\xa4"), std::string("../a")}) {
    CAPTURE(path);
    CHECK(error_of(driver.stat(path)) == Code::invalid);
    CHECK(error_of(driver.put_scratch(path, "x")) == Code::invalid);
    CHECK(error_of(driver.put(only(path, Content::of("x")))) == Code::invalid);
    CHECK(error_of(driver.append(path, 0, Content::of("x"))) == Code::invalid);
    CHECK(error_of(driver.put(only(path, std::nullopt))) == Code::invalid);
    CHECK(error_of(driver.open(path)) == Code::invalid);
    CHECK(error_of(driver.remove(path, Durability::durable)) == Code::invalid);
    CHECK(error_of(driver.lock(path)) == Code::invalid);
    CHECK(error_of(driver.list(path)) == Code::invalid);
  }
}

TEST_CASE("a listing has the names of one level, in byte order") {
  FOR_EVERY_DRIVER;
  for (const std::string path : {"/d/b/x", "/d/a-b/x", "/d/a/x", "/d/a/y", "/d/A", "/dd/z"})
    REQUIRE(driver.put_scratch(path, ""));
  CHECK(driver.list("/d").value() == std::vector<std::string>{"A", "a", "a-b", "b"});
  CHECK(driver.list("/d/a").value() == std::vector<std::string>{"x", "y"});
}

TEST_CASE("content is put, from memory and from a file") {
  FOR_EVERY_DRIVER;
  REQUIRE(driver.put(only("/x/data", Content::of("from memory"))));
  CHECK(driver.get_content("/x/data", 100).value() == "from memory");
  const std::string spooled = subject->dir.write("spooled", "from a file");
  REQUIRE(driver.put(only("/x/data", Content::open(spooled).value()))); // replaces
  CHECK(driver.get_content("/x/data", 100).value() == "from a file");
  CHECK(driver.get_content("/x/data", 100).value() == "from a file");
  REQUIRE(driver.put(only("/y/empty", Content())));
  CHECK(driver.stat("/y/empty")->size == 0);
}

TEST_CASE("appending goes on at the offset, and cuts what lies behind it") {
  FOR_EVERY_DRIVER;
  REQUIRE(driver.append("/u/data", 0, Content::of("abc")));
  REQUIRE(driver.append("/u/data", 3, Content::open(subject->dir.write("chunk", "def")).value()));
  CHECK(driver.get_content("/u/data", 100).value() == "abcdef");
  REQUIRE(driver.append("/u/data", 4, Content::of("X")));
  CHECK(driver.get_content("/u/data", 100).value() == "abcdX");
  REQUIRE(driver.append("/u/data", 2, Content()));
  CHECK(driver.get_content("/u/data", 100).value() == "ab");
  CHECK(error_of(driver.append("/u/data", 3, Content::of("x"))) == Code::corrupt);
}

TEST_CASE("many files are put in one go; what stays is left as it is, also where nothing is") {
  FOR_EVERY_DRIVER;
  REQUIRE(driver.put(only("/stays", Content::of("old"))));
  std::vector<PutFile> files;
  for (int i = 0; i < 50; ++i) files.push_back({"/many/" + std::to_string(i) + "/f", Content::of(std::to_string(i))});
  files.push_back({"/stays", std::nullopt});
  files.push_back({"/nothing/here", std::nullopt});
  REQUIRE(driver.put(std::move(files)));
  for (int i = 0; i < 50; ++i)
    CHECK(driver.get_content("/many/" + std::to_string(i) + "/f", 10).value() == std::to_string(i));
  CHECK(driver.get_content("/stays", 10).value() == "old");
  CHECK(error_of(driver.stat("/nothing/here")) == Code::not_found);
}

TEST_CASE("a file of the store is put under a second name, and replaces what is there") {
  FOR_EVERY_DRIVER;
  REQUIRE(driver.put(only("/from", Content::of("new"))));
  REQUIRE(driver.put(only("/to/data", Content::of("old"))));
  REQUIRE(driver.put(only("/to/data", driver.open("/from").value())));
  CHECK(driver.get_content("/to/data", 10).value() == "new");
  REQUIRE(driver.remove("/from", Durability::durable));
  CHECK(driver.get_content("/to/data", 10).value() == "new");
}

TEST_CASE("removing takes a file, or a directory with all that is in it") {
  FOR_EVERY_DRIVER;
  for (const std::string path : {"/r/a/1", "/r/a/b/2", "/r/ab/3"}) REQUIRE(driver.put_scratch(path, "x"));
  REQUIRE(driver.remove("/r/a", Durability::durable));
  CHECK(error_of(driver.stat("/r/a/1")) == Code::not_found);
  CHECK(error_of(driver.stat("/r/a/b/2")) == Code::not_found);
  CHECK(driver.get_content("/r/ab/3", 1).value() == "x");
  REQUIRE(driver.remove("/r/ab/3", Durability::scratch));
  CHECK(error_of(driver.stat("/r/ab/3")) == Code::not_found);
}

TEST_CASE("a directory that is discarded is gone at once, and a file is not discarded") {
  FOR_EVERY_DRIVER;
  for (const std::string path : {"/r/a/1", "/r/a/b/2", "/r/ab"}) REQUIRE(driver.put_scratch(path, "x"));
  REQUIRE(driver.discard("/r/a"));
  CHECK(error_of(driver.stat("/r/a")) == Code::not_found);
  CHECK(error_of(driver.discard("/r/a")) == Code::not_found);
  CHECK(error_of(driver.discard("/r/ab")) == Code::not_found);
  CHECK(driver.get_content("/r/ab", 1).value() == "x");
  CHECK(error_of(driver.discard("/../r")) == Code::invalid);
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
  CHECK(driver.list("/u").value() == std::vector<std::string>{"4"});
}

TEST_CASE("a directory's stamp is another one when an entry has come or gone, and the same when none has") {
  FOR_EVERY_DRIVER;
  REQUIRE(driver.put_scratch("/a/first", "x"));
  // A change in the tick of the one before it need not show: then the next one is waited for.
  const auto changes_with = [&](const std::function<void()>& change) {
    const auto before = driver.stat("/a")->stamp;
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (driver.stat("/a")->stamp == before && std::chrono::steady_clock::now() < deadline) change();
    return driver.stat("/a")->stamp != before;
  };
  int files = 0;
  CHECK(changes_with([&] { REQUIRE(driver.put_scratch("/a/" + std::to_string(++files), "x")); }));
  CHECK(changes_with([&] {
    REQUIRE(driver.put_scratch("/a/" + std::to_string(++files), "x"));
    REQUIRE(driver.remove("/a/" + std::to_string(files), Durability::scratch));
  }));
  const auto before = driver.stat("/a")->stamp;
  CHECK(driver.list("/a"));
  CHECK(driver.stat("/a")->stamp == before);
}

TEST_CASE("the directories of a directory are listed without its files") {
  FOR_EVERY_DRIVER;
  for (const std::string path : {"/d/b/x", "/d/a/x", "/d/file", "/d/Thumbs.db"}) REQUIRE(driver.put_scratch(path, ""));
  CHECK(driver.list_directories("/d").value() == std::vector<std::string>{"a", "b"});
  CHECK(driver.list_directories("/d/a")->empty());
  CHECK(error_of(driver.list_directories("/d/file")) == Code::not_found);
  CHECK(error_of(driver.list_directories("/e")) == Code::not_found);
  CHECK(error_of(driver.list_directories("/../e")) == Code::invalid);
  CHECK(driver.settle("/d"));
  CHECK(driver.settle("/e")); // gone: there is nothing to last
}

TEST_CASE("many share a lock, and who excludes waits for all of them") {
  FOR_EVERY_DRIVER;
  std::optional<std::unique_ptr<Lock>> one = driver.share("/locks/x").value(), two = driver.share("/locks/x").value();
  std::atomic<bool> excluded = false;
  std::thread other([&] {
    const auto lock = driver.lock_waiting("/locks/x");
    excluded = lock.has_value();
  });
  one.reset();
  CHECK_FALSE(excluded);
  two.reset();
  other.join();
  CHECK(excluded);
  CHECK(driver.share("/locks/x"));
  CHECK(error_of(driver.share("/../x")) == Code::invalid);
}
