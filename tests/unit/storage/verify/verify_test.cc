// Verification: what is sound is called sound, and every kind of damage is found, told and mended.
#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>

#include "driver/file_locks.h"
#include "driver/filesystem.h"
#include "storage/verify/verified_times.h"
#include "storage/verify/verify_blobs.h"
#include "storage/verify/verify_repositories.h"
#include "unit/storage/fixture.h"
#include "unit/temp_dir.h"

using namespace berth;
using namespace berth::test;
using namespace std::chrono_literals;
using model::media::oci_index;
using model::media::oci_manifest;
using storage::Finding;
using storage::FindingKind;

namespace {

namespace fs = std::filesystem;
namespace paths = storage::paths;

// The time of day, moved.
class MovedClock final : public Clock {
public:
  Time now() const override { return std::chrono::system_clock::now() + by; }
  std::chrono::nanoseconds by{};
};

// A store on disk with an image `app:v1` of a config and a layer, in an index `app:all`.
struct Store {
  Store() {
    repository = registry.repository(name("app"));
    for (const std::string& blob : {config, layer}) REQUIRE(repository->blobs().put("application/x", blob));
    image = put(*repository, oci_manifest, image_text()).value().digest;
    REQUIRE(repository->tags().tag(tag("v1"), image));
    const auto index = put(*repository, oci_index, index_of(describe(image)));
    REQUIRE(repository->tags().tag(tag("all"), index.value().digest));
  }
  std::string image_text() const {
    return image_of(digest_of(config), describe(digest_of(layer), ",\"size\":" + std::to_string(layer.size())));
  }

  fs::path file(const std::string& path) const { return dir.path() + path; }
  void write(const std::string& path, const std::string& bytes) const {
    fs::create_directories(file(path).parent_path());
    std::ofstream(file(path), std::ios::trunc) << bytes;
  }
  std::string content(const std::string& path) { return driver.get_content(path, 1 << 20).value_or("(nothing)"); }

  storage::VerifiedBlobs blobs(storage::VerifyBlobsOptions options = {}) {
    findings.clear();
    storage::VerifyBlobs verify(driver, clock, std::move(options));
    to_read = verify.bytes_to_read().value();
    read = 0;
    return verify.run(tell, [this](std::uint64_t bytes) { read += bytes; }).value();
  }
  storage::VerifiedRepositories repositories(storage::VerifyRepositoriesOptions options = {}) {
    findings.clear();
    return storage::VerifyRepositories(driver, locks, clock, std::move(options)).run(tell, [] {}).value();
  }
  std::vector<FindingKind> kinds() const {
    std::vector<FindingKind> all;
    for (const Finding& finding : findings) all.push_back(finding.kind);
    return all;
  }

  TempDir dir;
  driver::FsOps ops;
  SystemRandom random;
  driver::Filesystem driver{dir.path(), ops, random};
  driver::FileLocks locks{dir.path() + "/berth", ops};
  MovedClock clock;
  NullLogger logger;
  storage::FileUploads uploads{driver, clock, random};
  storage::Registry registry{
      {driver, locks, uploads, nullptr, storage::ManifestRules::make({}).value(), random, logger}};
  std::unique_ptr<registry::Repository> repository;
  const std::string config = "{\"config\":1}", layer = std::string(100'000, 'l');
  model::CanonicalDigest image = digest_of("");

  std::vector<Finding> findings;
  storage::TellFinding tell = [this](const Finding& finding) { findings.push_back(finding); };
  std::uint64_t to_read = 0;
  std::atomic<std::uint64_t> read = 0;
};

} // namespace

TEST_CASE("a store that is sound is called sound, and every byte of it was read") {
  Store store;
  const auto blobs = store.blobs({.readers = 3});
  CHECK((blobs.sound == 4 && blobs.damaged == 0 && blobs.is_whole));
  CHECK((store.read == store.to_read && store.to_read > store.layer.size()));
  const auto repositories = store.repositories({.dangling_links = true});
  CHECK((repositories.repositories == 1 && repositories.manifests == 2 && repositories.tags == 2));
  CHECK((repositories.findings == 0 && store.findings.empty()));
}

TEST_CASE("a blob whose bytes are not its digest is damaged, and is moved aside if that is wanted") {
  Store store;
  const auto digest = digest_of(store.layer);
  const std::string path = paths::blob_data(digest);
  const bool is_empty = GENERATE(false, true);
  std::string wrong = store.layer;
  wrong[70'000] ^= 1;
  if (is_empty) wrong.clear();
  store.write(path, wrong);

  const auto found = store.blobs();
  CHECK((found.damaged == 1 && found.sound == 3 && found.is_whole));
  REQUIRE(store.kinds() == std::vector{FindingKind::damaged});
  CHECK(
      (store.findings[0].digest == digest.str() && store.findings[0].path == path && store.findings[0].action.empty()));
  CHECK(store.findings[0].size == wrong.size());
  CHECK(store.content(path) == wrong);

  CHECK(store.blobs({.mend = true}).damaged == 1);
  REQUIRE(store.findings.size() == 1);
  CHECK(store.findings[0].action.starts_with("moved to /berth/damaged/sha256/"));
  CHECK(store.content(store.findings[0].action.substr(9)) == wrong);
  CHECK(is(store.repository->blobs().stat(digest).error(), Code::blob_unknown));
  CHECK(store.blobs().damaged == 0);

  REQUIRE(store.repository->blobs().put("application/x", store.layer)); // the next push mends it
  CHECK(store.blobs().sound == 4);
  CHECK(store.repositories().findings == 0);
}

TEST_CASE("a blob that was read a short time ago is passed over if that is wanted") {
  Store store;
  CHECK(store.blobs().sound == 4);
  CHECK(store.blobs().sound == 4);
  const auto again = store.blobs({.older = 1h});
  CHECK((again.sound == 0 && again.passed_over == 4 && store.to_read == 0));
  store.clock.by = 2h;
  CHECK(store.blobs({.older = 1h}).sound == 4);
}

TEST_CASE("a run that was stopped is gone on with, and a blob that is gone is forgotten") {
  Store store;
  store.clock.by = 10min;
  int pieces = 0;
  const auto stopped = store.blobs({.stop = [&] { return ++pieces > 4; }});
  CHECK_FALSE(stopped.is_whole);
  REQUIRE((stopped.sound > 0 && stopped.sound < 4));
  const auto rest = store.blobs();
  CHECK((rest.sound + stopped.sound == 4 && rest.passed_over == stopped.sound && rest.is_whole));
  CHECK(store.blobs().sound == 4); // that run is over

  pieces = 0;
  CHECK_FALSE(store.blobs({.stop = [&] { return ++pieces > 4; }}).is_whole);
  CHECK(store.blobs({.begin_anew = true}).sound == 4);
  CHECK(store.blobs().sound == 4);
}

TEST_CASE("what is remembered of a shard: what is not asked for any more is forgotten, rubbish is nothing") {
  driver::Memory driver;
  const auto first = digest_of("a"), second = digest_of("b");
  const Time time = parse_rfc3339("2026-11-29T12:34:00Z").value();
  auto times = storage::VerifiedTimes::load(driver, "00");
  times.set(first, time);
  times.set(second, time + 5min);
  REQUIRE(times.save(driver));
  auto loaded = storage::VerifiedTimes::load(driver, "00");
  CHECK(loaded.of(second) == time + 5min);
  REQUIRE(loaded.save(driver));
  CHECK_FALSE(storage::VerifiedTimes::load(driver, "00").of(first));
  CHECK(storage::VerifiedTimes::load(driver, "00").of(second) == time + 5min);
  REQUIRE(driver.put_scratch(paths::verified_shard("00"), "rubbish"));
  CHECK_FALSE(storage::VerifiedTimes::load(driver, "00").of(second));
}

TEST_CASE("only the blobs that are asked for are read") {
  Store store;
  storage::LiveSet only;
  only.add(digest_of(store.layer));
  only.seal();
  CHECK(store.blobs({.only = &only}).sound == 1);
  CHECK(store.to_read == store.layer.size());
}

TEST_CASE("a manifest that names what is not there is incomplete, and its tags are told") {
  Store store;
  fs::remove(store.file(paths::blob_data(digest_of(store.layer))));
  CHECK(store.repositories().findings == 1);
  REQUIRE(store.kinds() == std::vector{FindingKind::incomplete});
  const Finding& finding = store.findings[0];
  CHECK((finding.repository == "app" && finding.tags == std::vector<std::string>{"v1"}));
  CHECK(finding.digest == store.image.str());
  CHECK(finding.why == digest_of(store.layer).str() + " is not there");
  CHECK(store.repositories({.images_may_be_sparse = true}).findings == 0);
  store.repositories({.dangling_links = true, .images_may_be_sparse = true});
  CHECK(store.kinds() == std::vector{FindingKind::dangling_link});
}

TEST_CASE("sizes and links of what a manifest names are looked at") {
  Store store;
  SECTION("another size") {
    store.write(paths::blob_data(digest_of(store.layer)), "short");
    store.repositories();
    REQUIRE(store.kinds() == std::vector{FindingKind::incomplete});
    CHECK(store.findings[0].why.contains("has 5 bytes instead of 100000"));
  }
  SECTION("no link") {
    fs::remove(store.file(paths::layer_link(name("app"), digest_of(store.layer))));
    store.repositories();
    REQUIRE(store.kinds() == std::vector{FindingKind::incomplete});
    CHECK(store.findings[0].why.contains("is not linked"));
  }
  SECTION("a child of an index") {
    fs::remove(store.file(paths::revision_link(name("app"), store.image)));
    CHECK(store.repositories().findings == 2); // the tag v1, too
    CHECK(store.kinds() == std::vector{FindingKind::dangling_tag, FindingKind::incomplete});
    CHECK(store.repositories({.indexes_may_be_sparse = true}).findings == 1);
  }
  SECTION("no manifest") {
    store.write(paths::blob_data(store.image), "no JSON");
    store.repositories();
    REQUIRE(store.kinds() == std::vector{FindingKind::incomplete});
    CHECK(store.findings[0].tags == std::vector<std::string>{"v1"});
  }
}

TEST_CASE("what is in quarantine is there") {
  Store store;
  for (const auto& digest : {digest_of(store.layer), store.image}) {
    fs::create_directories(store.file(paths::parked_blob(digest)).parent_path());
    fs::rename(store.file(paths::blob_data(digest)), store.file(paths::parked_blob(digest)));
  }
  const fs::path link = store.file(paths::layer_link(name("app"), digest_of(store.config)));
  fs::rename(link, link.parent_path() / "collected");
  CHECK(store.repositories({.dangling_links = true}).findings == 0);
  CHECK(store.findings.empty());
}

TEST_CASE("a tag that leads nowhere is removed once it is old, and only then") {
  Store store;
  fs::remove(store.file(paths::revision_link(name("app"), store.image)));
  store.repositories({.mend = true, .indexes_may_be_sparse = true});
  REQUIRE(store.kinds() == std::vector{FindingKind::dangling_tag});
  CHECK((store.findings[0].tags == std::vector<std::string>{"v1"} &&
         store.findings[0].action.starts_with("not removed")));
  store.clock.by = 25h;
  store.repositories({.mend = true, .indexes_may_be_sparse = true});
  CHECK(store.findings.at(0).action == "removed");
  CHECK(store.repositories({.indexes_may_be_sparse = true}).findings == 0);
  CHECK(store.repository->tags().get(tag("all")));
}

TEST_CASE("a bad link is written again if its blob is there, or removed") {
  Store store;
  const auto lost = digest_of("lost"), other = digest_of("other");
  const std::string good = paths::layer_link(name("app"), digest_of(store.layer)),
                    bad = paths::layer_link(name("app"), lost);
  const std::string rubbish = GENERATE(as<std::string>(), "", "sha256:12", "rubbish", digest_of("other").str());
  CAPTURE(rubbish);
  store.write(good, rubbish);
  store.write(bad, rubbish);
  CHECK(store.repositories().findings >= 2);
  CHECK(store.content(good) == rubbish);
  store.repositories({.mend = true});
  CHECK(store.content(good) == digest_of(store.layer).str());
  CHECK_FALSE(fs::exists(store.file(bad)));
  CHECK(store.repositories({.dangling_links = true}).findings == 0);
}

TEST_CASE("an upload without a date is removed after a week") {
  Store store;
  const auto writer = std::get<std::unique_ptr<registry::BlobWriter>>(store.repository->blobs().create({}).value());
  CHECK(store.repositories({.mend = true}).findings == 0);
  store.write(paths::upload_started_at(name("app"), writer->id()), "no date");
  CHECK(store.repositories({.mend = true}).findings == 0); // young: it may just begin
  store.clock.by = 8 * 24h;
  CHECK(store.repositories().findings == 1);
  store.repositories({.mend = true});
  CHECK(store.findings.at(0).action == "removed");
  CHECK(store.repositories().findings == 0);
}

TEST_CASE("only the repositories that are wanted are looked at, and what they name is told") {
  Store store;
  const auto other = store.registry.repository(name("other/app"));
  REQUIRE(other->blobs().put("application/x", "{\"other\":1}"));
  REQUIRE(put(*other, oci_manifest, image_of(digest_of("{\"other\":1}"))));
  std::size_t named = 0;
  const auto sums = store.repositories(
      {.wanted = [](const auto& each) { return each.str() == "other/app"; }, .named = [&](const auto&) { ++named; }});
  CHECK((sums.repositories == 1 && sums.manifests == 1 && named == 2));
}
