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

#include "contract/drivers.h"

using namespace berth;
using namespace berth::driver;
using test::error_of;

namespace {

// A put of one file.
std::vector<PutFile> only(std::string path, std::optional<Content> content) {
  std::vector<PutFile> files;
  files.push_back({std::move(path), std::move(content)});
  return files;
}

std::string read_from(StorageDriver& driver, const std::string& path) {
  const auto content = driver.open(path);
  REQUIRE(content);
  return read_all(*content).value();
}

} // namespace

#define FOR_EVERY_DRIVER                                                                                               \
  const std::string kind = GENERATE(from_range(test::all_drivers()));                                                  \
  CAPTURE(kind);                                                                                                       \
  test::Drivers drivers;                                                                                               \
  const auto of_kind = drivers.any(kind);                                                                              \
  StorageDriver& driver = *of_kind

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
    CHECK(error_of(driver.list(path, {}, no_limit)) == Code::not_found);
    CHECK(error_of(driver.remove(path, Durability::durable)) == Code::not_found);
  }
  CHECK(error_of(driver.list("/a/file", {}, no_limit)) == Code::not_found);
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
    CHECK(error_of(driver.put(only(path, std::nullopt))) == Code::invalid);
    CHECK(error_of(driver.open(path)) == Code::invalid);
    CHECK(error_of(driver.remove(path, Durability::durable)) == Code::invalid);
    CHECK(error_of(driver.list(path, {}, no_limit)) == Code::invalid);
  }
}

TEST_CASE("a listing has the names of one level, in byte order") {
  FOR_EVERY_DRIVER;
  for (const std::string path : {"/d/b/x", "/d/a-b/x", "/d/a/x", "/d/a/y", "/d/A", "/dd/z"})
    REQUIRE(driver.put_scratch(path, ""));
  CHECK(names_in(driver, "/d").value() == std::vector<std::string>{"A", "a", "a-b", "b"});
  CHECK(names_in(driver, "/d/a").value() == std::vector<std::string>{"x", "y"});
}

TEST_CASE("a listing is read in pages, and says what is a directory") {
  FOR_EVERY_DRIVER;
  for (const std::string path : {"/d/b/x", "/d/a-b/x", "/d/a/x", "/d/A", "/d/c"}) REQUIRE(driver.put_scratch(path, ""));
  std::vector<std::string> names;
  std::string after;
  for (std::size_t pages = 0; pages < 10; ++pages) {
    const auto page = driver.list("/d", after, 2).value();
    CHECK(page.size() <= 2);
    if (page.empty()) break;
    for (const Entry& entry : page) {
      names.push_back(entry.name);
      CHECK(entry.is_directory == (entry.name != "A" && entry.name != "c"));
    }
    after = names.back();
  }
  CHECK(names == std::vector<std::string>{"A", "a", "a-b", "b", "c"});
  CHECK(driver.list("/d", "aa", 1)->at(0).name == "b");
  CHECK(driver.list("/d", "c", no_limit)->empty());
  CHECK(driver.list("/d", {}, 0)->empty());
}

TEST_CASE("a place is told of a file") {
  FOR_EVERY_DRIVER;
  REQUIRE(driver.put_scratch("/a/file", "bytes"));
  const Location place = driver.locate("/a/file").value();
  if (const auto* file = std::get_if<StoredFile>(&place))
    CHECK(file->path == "/a/file");
  else if (const auto* elsewhere = std::get_if<StoredUrl>(&place))
    CHECK(elsewhere->url.find("/a/file?") != std::string::npos);
  else
    CHECK(std::get<std::string>(place) == "bytes");
  CHECK(error_of(driver.locate("/../file")) == Code::invalid);
}

TEST_CASE("content is put, from memory and from a file") {
  FOR_EVERY_DRIVER;
  REQUIRE(driver.put(only("/x/data", Content::of("from memory"))));
  CHECK(driver.get_content("/x/data", 100).value() == "from memory");
  const std::string spooled = drivers.dir.write("spooled", "from a file");
  REQUIRE(driver.put(only("/x/data", Content::open(spooled).value()))); // replaces
  CHECK(driver.get_content("/x/data", 100).value() == "from a file");
  CHECK(driver.get_content("/x/data", 100).value() == "from a file");
  REQUIRE(driver.put(only("/y/empty", Content())));
  CHECK(driver.stat("/y/empty")->size == 0);
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

TEST_CASE("what another store, or a source, has is put by its bytes") {
  FOR_EVERY_DRIVER;
  class Letters final : public Source {
  public:
    std::uint64_t size() const override { return 26; }
    Result<> read(std::uint64_t offset, const Sink& sink) const override {
      for (; offset < size(); ++offset) {
        const auto letter = static_cast<std::byte>('a' + offset);
        BERTH_CHECK(sink({&letter, 1}));
      }
      return ends;
    }
    Result<> ends;
  };
  const std::string alphabet = "abcdefghijklmnopqrstuvwxyz";
  REQUIRE(driver.put(only("/letters", Content::from(std::make_unique<Letters>()))));
  CHECK(driver.get_content("/letters", 100).value() == alphabet);
  test::ObjectStore elsewhere;
  test::ObjectDriver other(elsewhere);
  REQUIRE(other.put(only("/there", driver.open("/letters").value())));
  REQUIRE(driver.put(only("/back", other.open("/there").value())));
  CHECK(driver.get_content("/back", 100).value() == alphabet);
  auto cut = std::make_unique<Letters>();
  cut->ends = fail(Code::io, "the connection broke");
  CHECK(error_of(driver.put(only("/letters/cut", Content::from(std::move(cut))))) == Code::io);
  CHECK(error_of(driver.stat("/letters/cut")) == Code::not_found);
}

TEST_CASE("a file is made or replaced if it is as it was seen, and not else") {
  FOR_EVERY_DRIVER;
  REQUIRE(driver.put_if("/lease/a", "one", std::nullopt));
  CHECK(error_of(driver.put_if("/lease/a", "two", std::nullopt)) == Code::busy);
  const auto first = driver.stat("/lease/a")->version;
  REQUIRE(first);
  const auto second = driver.put_if("/lease/a", "two", first);
  REQUIRE(second);
  CHECK(*second != *first);
  CHECK(driver.stat("/lease/a")->version == *second);
  CHECK(error_of(driver.put_if("/lease/a", "three", first)) == Code::busy);
  CHECK(driver.get_content("/lease/a", 10).value() == "two");
  REQUIRE(driver.put_scratch("/lease/b", "x")); // a change elsewhere is none of it
  REQUIRE(driver.put_if("/lease/a", "three", *second));
  REQUIRE(driver.remove("/lease/a", Durability::durable));
  CHECK(error_of(driver.put_if("/lease/a", "four", *second)) == Code::busy);
  CHECK(error_of(driver.stat("/lease/a")) == Code::not_found);
  CHECK(error_of(driver.put_if("/../a", "x", std::nullopt)) == Code::invalid);
}

TEST_CASE("of several who saw the same, one has its way") {
  FOR_EVERY_DRIVER;
  std::atomic<int> sum = 0;
  const auto add = [&] {
    for (int done = 0; done < 20;) {
      const auto seen = driver.stat("/count");
      const auto text = driver.get_content("/count", 10);
      if (seen && (!text || driver.stat("/count")->version != seen->version)) continue;
      const int next = text ? std::stoi(*text) + 1 : 1;
      const auto put = driver.put_if("/count", std::to_string(next), seen ? seen->version : std::nullopt);
      if (!put) continue;
      ++done;
      ++sum;
    }
  };
  std::array<std::thread, 3> threads;
  for (auto& thread : threads) thread = std::thread(add);
  for (auto& thread : threads) thread.join();
  CHECK(driver.get_content("/count", 10).value() == std::to_string(sum));
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

TEST_CASE("a directory is removed if it is empty, and left if it is not") {
  FOR_EVERY_DRIVER;
  REQUIRE(driver.put_scratch("/r/a/file", "x"));
  REQUIRE(driver.remove_empty("/r/a"));
  CHECK(driver.get_content("/r/a/file", 1).value() == "x");
  REQUIRE(driver.remove_empty("/r/a/file")); // which is no directory
  CHECK(driver.get_content("/r/a/file", 1).value() == "x");
  REQUIRE(driver.remove("/r/a/file", Durability::scratch));
  REQUIRE(driver.remove_empty("/r/a"));
  CHECK(error_of(driver.stat("/r/a")) == Code::not_found);
  REQUIRE(driver.remove_empty("/r/a"));
  REQUIRE(driver.put(only("/r/a/file", Content::of("x"))));
}

TEST_CASE("a directory's version is another one when an entry has come or gone, and the same when none has") {
  FOR_EVERY_DRIVER;
  REQUIRE(driver.put_scratch("/a/first", "x"));
  if (kind == "objects" || kind == "s3") {
    CHECK_FALSE(driver.stat("/a")->version); // a directory of an object store has none
    return;
  }
  // A change in the tick of the one before it need not show: then the next one is waited for.
  const auto changes_with = [&](const std::function<void()>& change) {
    const auto before = driver.stat("/a")->version;
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (driver.stat("/a")->version == before && std::chrono::steady_clock::now() < deadline) change();
    return driver.stat("/a")->version != before;
  };
  int files = 0;
  CHECK(changes_with([&] { REQUIRE(driver.put_scratch("/a/" + std::to_string(++files), "x")); }));
  CHECK(changes_with([&] {
    REQUIRE(driver.put_scratch("/a/" + std::to_string(++files), "x"));
    REQUIRE(driver.remove("/a/" + std::to_string(files), Durability::scratch));
  }));
  const auto before = driver.stat("/a")->version;
  CHECK(driver.list("/a", {}, no_limit));
  CHECK(driver.stat("/a")->version == before);
}

TEST_CASE("the directories of a directory are listed without its files") {
  FOR_EVERY_DRIVER;
  for (const std::string path : {"/d/b/x", "/d/a/x", "/d/file", "/d/Thumbs.db"}) REQUIRE(driver.put_scratch(path, ""));
  CHECK(directories_in(driver, "/d").value() == std::vector<std::string>{"a", "b"});
  CHECK(directories_in(driver, "/d/a")->empty());
  CHECK(error_of(directories_in(driver, "/d/file")) == Code::not_found);
  CHECK(error_of(directories_in(driver, "/e")) == Code::not_found);
  CHECK(error_of(directories_in(driver, "/../e")) == Code::invalid);
  CHECK(driver.settle("/d"));
  CHECK(driver.settle("/e")); // gone: there is nothing to last
}
