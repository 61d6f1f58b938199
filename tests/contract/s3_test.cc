// What a driver in a bucket does that no other one does: parts, pages of a server, requests that it refuses. Against
// the server that tests/system/test_s3.py starts.
#include <catch2/catch.hpp>

#include <algorithm>

#include "contract/drivers.h"

using namespace berth;
using namespace berth::driver;
using test::error_of;

#define NEEDS_A_BUCKET                                                                                                 \
  if (test::bucket_of_tests().empty()) {                                                                               \
    WARN("SKIPPED: there is no S3 server here; tests/system/test_s3.py starts one");                                   \
    return;                                                                                                            \
  }                                                                                                                    \
  test::InBucket in_bucket;                                                                                            \
  const auto made = in_bucket.make();                                                                                  \
  StorageDriver& driver = *made

namespace {

constexpr std::uint64_t mebi = std::uint64_t{1} << 20;

// Bytes that are all different, so that parts in a wrong order are seen.
std::string counted(std::uint64_t size) {
  std::string bytes;
  bytes.reserve(size + 16);
  for (std::uint64_t i = 0; bytes.size() < size; ++i) bytes += std::to_string(i) + ",";
  bytes.resize(size);
  return bytes;
}

std::vector<PutFile> only(std::string path, Content content) {
  std::vector<PutFile> files;
  files.push_back({std::move(path), std::move(content)});
  return files;
}

class Bytes final : public Source {
public:
  explicit Bytes(std::string bytes) : bytes_(std::move(bytes)) {}
  std::uint64_t size() const override { return bytes_.size(); }
  Result<> read(std::uint64_t offset, const Sink& sink) const override {
    return sink(std::as_bytes(std::span(bytes_)).subspan(offset));
  }

private:
  const std::string bytes_;
};

} // namespace

TEST_CASE("large files come in parts, from files and from elsewhere, and are whole", "[s3]") {
  NEEDS_A_BUCKET;
  test::TempDir dir;
  for (const std::uint64_t size : {64 * mebi, 65 * mebi + 7}) {
    CAPTURE(size);
    const std::string bytes = counted(size);
    REQUIRE(driver.put(only("/large/file", Content::open(dir.write("large", bytes)).value())));
    CHECK(driver.stat("/large/file")->size == size);
    const auto content = driver.open("/large/file");
    REQUIRE(content);
    CHECK(read_all(*content).value() == bytes);
    std::string tail;
    REQUIRE(content->read(size - 5, [&](std::span<const std::byte> some) -> Result<> {
      tail.append(reinterpret_cast<const char*>(some.data()), some.size());
      return {};
    }));
    CHECK(tail == bytes.substr(size - 5));
  }
  const std::string bytes = counted(17 * mebi);
  REQUIRE(driver.put(only("/large/source", Content::from(std::make_unique<Bytes>(bytes)))));
  CHECK(read_all(driver.open("/large/source").value()).value() == bytes);
}

TEST_CASE("a listing of more than a page of the server is whole and sorted, wherever it begins and ends", "[s3]") {
  NEEDS_A_BUCKET;
  std::vector<PutFile> files;
  std::vector<std::string> wanted;
  for (const std::string name : {"1", "1-0", "1.", "1.2", "1.2-alpine", "1.2-alpine3", "1.20", "10", "2"})
    wanted.push_back(name);
  for (int i = 0; i < 1100; ++i) wanted.push_back("1.2-" + std::to_string(i));
  for (const std::string& name : wanted) files.push_back({"/tags/" + name + "/link", Content::of("x")});
  REQUIRE(driver.put(std::move(files)));
  std::ranges::sort(wanted);
  CHECK(names_in(driver, "/tags").value() == wanted);
  for (const std::size_t limit : {std::size_t{1}, std::size_t{7}, std::size_t{1000}}) {
    CAPTURE(limit);
    for (const std::size_t from :
         {std::size_t{0}, std::size_t{1}, std::size_t{3}, std::size_t{500}, wanted.size() - 3}) {
      CAPTURE(from);
      const auto page = driver.list("/tags", wanted[from], limit);
      REQUIRE(page);
      std::vector<std::string> names;
      for (const Entry& entry : *page) names.push_back(entry.name);
      const auto first = wanted.begin() + static_cast<std::ptrdiff_t>(from) + 1;
      const auto count = std::min<std::ptrdiff_t>(static_cast<std::ptrdiff_t>(limit), wanted.end() - first);
      CHECK(names == std::vector<std::string>(first, first + count));
    }
  }
  REQUIRE(driver.remove("/tags", Durability::durable)); // more than one DeleteObjects
  CHECK(error_of(driver.stat("/tags")) == Code::not_found);
}

TEST_CASE("a source that changed while it was read is no whole one", "[s3]") {
  NEEDS_A_BUCKET;
  REQUIRE(driver.put_scratch("/changes", "one"));
  auto content = driver.open("/changes");
  REQUIRE(content);
  REQUIRE(driver.put_scratch("/changes", "two"));
  CHECK_FALSE(read_all(*content));
  std::vector<PutFile> copy;
  copy.push_back({"/copy", std::move(*content)});
  CHECK_FALSE(driver.put(std::move(copy)));
  CHECK(error_of(driver.stat("/copy")) == Code::not_found);
}
