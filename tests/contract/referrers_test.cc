// Referrers and digests of several algorithms, over every driver.
#include <catch2/catch.hpp>

#include "unit/storage/fixture.h"

using namespace berth;
using namespace berth::test;
using model::Algorithm;
using model::Digest;
using model::media::oci_index;
using model::media::oci_manifest;

namespace {

const Digest subject = digest_of("a subject that was never pushed");
const std::string top = "/docker/registry/v2/repositories/a/b/_manifests";

// A registry over any store; made anew, it remembers nothing.
struct Place {
  explicit Place(const std::string& kind) : store(clock, random, kind) {
    restart();
    push("{}");
  }
  void restart() {
    registry = std::make_unique<storage::Registry>(storage::Registry::Parts{
        store.driver(), locks, store.uploads(), nullptr, storage::ManifestRules::make({}).value(), random, logger});
    repository = registry->repository(name("a/b"));
  }
  void push(const std::string& bytes, Algorithm algorithm = Algorithm::sha256) {
    auto created = repository->blobs().create(std::nullopt).value();
    auto& writer = std::get<std::unique_ptr<registry::BlobWriter>>(created);
    REQUIRE(writer->commit(Content::of(bytes), model::digest_of(algorithm, bytes)));
  }
  // Puts a manifest that refers to `to`; returns its name.
  Digest refer(const Digest& to, int number, Algorithm algorithm = Algorithm::sha256, const std::string& type = "x/y") {
    const std::string bytes = R"({"schemaVersion":2,"artifactType":")" + type + R"(","config":)" +
                              describe(digest_of("{}")) + R"(,"annotations":{"n":")" + std::to_string(number) +
                              R"("},"subject":)" + describe(to) + "}";
    const Digest as = model::digest_of(algorithm, bytes);
    REQUIRE(repository->manifests().put(model::parse_manifest(oci_manifest, bytes).value(), bytes, as));
    return as;
  }
  std::vector<std::string> listed(const Digest& of, const std::string& type = "") {
    const auto page = repository->referrers().list({of, type, "", 1000});
    REQUIRE(page);
    CHECK_FALSE(page->more);
    std::vector<std::string> names;
    for (const auto& entry : page->entries) names.push_back(entry.digest.str());
    return names;
  }
  bool has(const std::string& path) { return driver->stat(path).has_value(); }

  SystemRandom random;
  StoppedClock clock;
  NullLogger logger;
  AnyStore store;
  driver::StorageDriver* driver = &store.driver();
  driver::MemoryLocks locks;
  std::unique_ptr<storage::Registry> registry;
  std::unique_ptr<registry::Repository> repository;
};

std::vector<std::string> sorted(const std::vector<Digest>& digests) {
  std::vector<std::string> names;
  for (const Digest& digest : digests) names.push_back(digest.str());
  std::ranges::sort(names);
  return names;
}

std::string entry_of(const Digest& of, const Digest& referrer) {
  return top + "/referrers/" + std::string(of.label()) + "/" + std::string(of.hex()) + "/" +
         std::string(referrer.label()) + "/" + std::string(referrer.hex());
}

} // namespace

#define EVERY_DRIVER GENERATE(std::string("memory"), std::string("filesystem"), std::string("objects"))

TEST_CASE("a referrer is listed with what its manifest says, from a link under its subject") {
  Place place(EVERY_DRIVER);
  const Digest one = place.refer(subject, 1), two = place.refer(subject, 2, Algorithm::sha512, "z");
  for (int round = 0; round < 2; ++round) { // what memory knows, and what the store says
    CHECK(place.listed(subject) == sorted({one, two}));
    CHECK(place.listed(subject, "z") == sorted({two}));
    CHECK(place.listed(subject, "zz").empty());
    CHECK(place.listed(digest_of("another")).empty());
    const auto first = place.repository->referrers().list({subject, "x/y", "", 1})->entries.at(0).what;
    CHECK(first.kind == model::ManifestKind::oci_manifest);
    CHECK(first.artifact_type == "x/y");
    CHECK(first.annotations == R"({"n":"1"})");
    CHECK(first.size == place.repository->manifests().get(one)->bytes.size());
    place.restart();
  }
  CHECK(place.driver->get_content(entry_of(subject, one) + "/link", 100).value() == one.str());
  CHECK(place.driver->get_content(entry_of(subject, two) + "/link", 100).value().starts_with("sha256:"));
}

TEST_CASE("an entry whose manifest is not there, or says otherwise, is not listed") {
  Place place(EVERY_DRIVER);
  const Digest real = place.refer(subject, 1), other = place.refer(digest_of("another"), 2);
  for (const Digest& liar : {Digest(digest_of("never pushed")), Digest(digest_of("{}")), other})
    REQUIRE(place.driver->put_scratch(entry_of(subject, liar) + "/link", liar.str()));
  REQUIRE(place.driver->put_scratch(entry_of(subject, subject) + "x/link", "rubbish"));
  CHECK(place.listed(subject) == sorted({real}));
}

TEST_CASE("a page ends at its limit, and the next goes on behind it") {
  Place place(EVERY_DRIVER);
  std::vector<Digest> all;
  for (int n = 0; n < 7; ++n) all.push_back(place.refer(subject, n, n % 2 ? Algorithm::sha512 : Algorithm::sha256));
  for (const std::size_t limit : {1, 2, 3, 6, 7, 8}) {
    std::vector<std::string> found;
    registry::ReferrersPage page;
    do {
      page = place.repository->referrers().list({subject, "", page.last, limit}).value();
      CHECK(page.entries.size() <= limit);
      for (const auto& entry : page.entries) found.push_back(entry.digest.str());
    } while (page.more);
    CHECK(found == sorted(all));
  }
}

TEST_CASE("a removed manifest leaves no entry, whatever name it goes by") {
  Place place(EVERY_DRIVER);
  const Digest kept = place.refer(subject, 1), gone = place.refer(subject, 2, Algorithm::sha384);
  const auto canonical = place.repository->manifests().stat(gone)->digest;
  REQUIRE(place.repository->manifests().remove(GENERATE(0, 1) ? Digest(canonical) : gone));
  CHECK(place.listed(subject) == sorted({kept}));
  CHECK_FALSE(place.has(entry_of(subject, gone)));
  CHECK(place.repository->manifests().stat(gone).error().code == Code::manifest_unknown);
  CHECK(place.repository->manifests().stat(canonical).error().code == Code::manifest_unknown);
}

TEST_CASE("a tag that brings back a manifest removed meanwhile brings back its entry") {
  Place place(EVERY_DRIVER);
  const Digest one = place.refer(subject, 1);
  const auto canonical = place.repository->manifests().stat(one)->digest;
  REQUIRE(place.repository->manifests().remove(one));
  REQUIRE(place.repository->tags().tag(tag("v1"), canonical));
  CHECK(place.listed(subject) == sorted({one}));
}

TEST_CASE("what another registry wrote is found under the referrers tag, and the rest by indexing") {
  Place place(EVERY_DRIVER);
  const Digest in_list = place.refer(subject, 1), unlisted = place.refer(subject, 2);
  const std::string bytes =
      R"({"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[)" + describe(in_list) +
      "]}";
  const auto list = put(*place.repository, oci_index, bytes);
  REQUIRE(list);
  REQUIRE(place.repository->tags().tag(model::referrers_tag(subject), list->digest));
  REQUIRE(place.driver->remove(top + "/referrers", driver::Durability::durable));
  place.restart();
  CHECK(place.listed(subject) == sorted({in_list}));
  CHECK(place.registry->index_referrers(name("a/b")).value() == 2);
  CHECK(place.listed(subject) == sorted({in_list, unlisted}));
  CHECK(place.registry->index_referrers(name("a/b")).value() == 2); // and again
  CHECK(place.registry->index_referrers(name("no/such")).value() == 0);
}

TEST_CASE("another algorithm's name counts only beside the canonical link") {
  Place place(EVERY_DRIVER);
  place.push("bytes", Algorithm::sha512);
  const Digest alias = model::digest_of(Algorithm::sha512, "bytes");
  auto& blobs = place.repository->blobs();
  CHECK(blobs.stat(alias)->digest == digest_of("bytes"));
  CHECK(blobs.get(alias, 10).value() == "bytes");
  REQUIRE(blobs.remove(digest_of("bytes")));
  CHECK(blobs.stat(alias).error().code == Code::blob_unknown);
  CHECK(blobs.remove(alias).error().code == Code::blob_unknown);
  place.push("bytes");
  CHECK(blobs.stat(alias)->digest == digest_of("bytes")); // it is true still
  REQUIRE(blobs.remove(alias));
  CHECK(blobs.stat(digest_of("bytes")).error().code == Code::blob_unknown);
}

TEST_CASE("a tag tells the digest it was pushed with, as long as that is its target's") {
  Place place(EVERY_DRIVER);
  const Digest one = place.refer(subject, 1, Algorithm::sha512), two = place.refer(subject, 2);
  const auto one_canonical = place.repository->manifests().stat(one)->digest;
  const auto two_canonical = place.repository->manifests().stat(two)->digest;
  auto client_digest = [&] {
    auto& tags = place.repository->tags();
    return tags.client_digest(tag("v1"), tags.get(tag("v1")).value()).str();
  };
  REQUIRE(place.repository->tags().tag(tag("v1"), one_canonical, one));
  CHECK(place.driver->get_content(top + "/tags/v1/current/link", 100).value() == one_canonical.str());
  CHECK(client_digest() == one.str());
  place.restart();
  CHECK(client_digest() == one.str());
  REQUIRE(place.repository->tags().tag(tag("v1"), two_canonical));
  CHECK(client_digest() == two.str());
  place.restart();
  CHECK(client_digest() == two.str());
}

TEST_CASE("manifests of other algorithms have their links where docker-registry's collector does not look") {
  Place place(EVERY_DRIVER);
  const Digest one = place.refer(subject, 1, Algorithm::sha512);
  CHECK(driver::names_in(*place.driver, top + "/revisions").value() == std::vector<std::string>{"sha256"});
  CHECK(place.has(top + "/aliases/sha512/" + std::string(one.hex()) + "/link"));
}
