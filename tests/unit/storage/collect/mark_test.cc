#include <catch2/catch.hpp>

#include <algorithm>

#include "unit/storage/collect/dated.h"

using namespace berth;
using namespace berth::test;
using model::media::oci_index;
using model::media::oci_manifest;
using std::chrono::hours;
using Texts = std::vector<std::string>;

namespace {

// A store that was filled two days before the mark.
struct Marked : Fixture {
  static constexpr auto an_hour = hours(1);
  Dated dated{driver};
  storage::MarkOptions options;
  storage::LiveSet live;
  Said said;

  Marked() {
    options.began = parse_rfc3339("2024-03-03T00:00:00Z").value();
    options.grace = hours(24);
    dated.usual = options.began - hours(48);
  }
  void make_young(const std::string& path) { dated.changed[path] = options.began - an_hour; }

  bool run() {
    live = {};
    said = {};
    return storage::mark(dated, options, live, said).value();
  }
  bool is_live(const std::string& bytes) { return live.has(digest_of(bytes)); }

  // An image of a config and layers of its own; returns its bytes.
  std::string push(const std::string& repository_name, const std::string& what,
                   const std::optional<std::string>& tag_name = std::nullopt, const std::string& subject = "") {
    const auto into = repository(repository_name);
    push_blob(*into, "config of " + what);
    push_blob(*into, "layer of " + what);
    std::string bytes = image_of(digest_of("config of " + what), describe(digest_of("layer of " + what)));
    if (!subject.empty()) bytes.insert(bytes.size() - 1, R"(,"subject":)" + describe(digest_of(subject)));
    put_manifest(repository_name, oci_manifest, bytes, tag_name);
    return bytes;
  }
  void put_manifest(const std::string& repository_name, std::string_view type, const std::string& bytes,
                    const std::optional<std::string>& tag_name = std::nullopt) {
    const auto into = repository(repository_name);
    const auto descriptor = test::put(*into, type, bytes).value();
    if (tag_name) REQUIRE(into->tags().tag(tag(*tag_name), descriptor.digest));
  }
  bool is_whole(const std::string& what, const std::string& manifest) {
    return is_live(manifest) && is_live("config of " + what) && is_live("layer of " + what);
  }
  std::string link_of(const std::string& repository_name, const std::string& manifest) {
    return storage::paths::revision_link(name(repository_name), digest_of(manifest));
  }
  std::string layer_of(const std::string& repository_name, const std::string& bytes) {
    return storage::paths::layer_link(name(repository_name), digest_of(bytes));
  }
  void park(const std::string& link) {
    const std::string bytes = driver.get_content(link, 1000).value();
    REQUIRE(driver.remove(link, driver::Durability::durable));
    REQUIRE(driver.put_scratch(link.substr(0, link.rfind('/')) + "/collected", bytes));
  }
  void write(const std::string& path, const std::string& bytes) { REQUIRE(driver.put_scratch(path, bytes)); }
  void remove(const std::string& path) { REQUIRE(driver.remove(path, driver::Durability::durable)); }
};

Texts sorted(Texts texts) {
  std::ranges::sort(texts);
  return texts;
}

std::string manifest_in(const std::string& repository, const std::string& bytes) {
  return repository + " manifest " + digest_of(bytes).str();
}
std::string layer_in(const std::string& repository, const std::string& bytes) {
  return repository + " layer " + digest_of(bytes).str();
}

} // namespace

TEST_CASE("an empty store has nothing live, and nothing dead") {
  Marked store;
  CHECK(store.run());
  CHECK(store.live.size() == 0);
  CHECK(store.said.repositories.empty());
}

TEST_CASE("what manifests name is live, tagged or not; other layers' links die when the grace is over") {
  Marked store;
  const std::string tagged = store.push("a/b", "tagged", "v1"), untagged = store.push("a", "untagged");
  store.push_blob(*store.repository("a"), "old");
  store.push_blob(*store.repository("a"), "young");
  store.make_young(store.layer_of("a", "young"));
  REQUIRE(store.run());
  CHECK(store.is_whole("tagged", tagged));
  CHECK(store.is_whole("untagged", untagged));
  CHECK(store.is_live("young"));
  CHECK_FALSE(store.is_live("old"));
  CHECK(store.live.size() == 7);
  CHECK(store.said.dead_links == Texts{layer_in("a", "old")});
  CHECK(store.said.repositories == Texts{"a", "a/b"});
  CHECK(store.said.manifests == Texts{"a@" + digest_of(untagged).str(), "a/b@" + digest_of(tagged).str()});
  CHECK(store.said.blobs.size() == 4);

  SECTION("a link without a manifest in its repository is dead, wherever its blob is live") {
    store.push_blob(*store.repository("z"), "layer of tagged");
    REQUIRE(store.run());
    CHECK(store.said.dead_links == Texts{layer_in("a", "old"), layer_in("z", "layer of tagged")});
    CHECK(store.is_live("layer of tagged"));
  }
  SECTION("with no grace nothing is young") {
    store.options.grace = {};
    REQUIRE(store.run());
    CHECK_FALSE(store.is_live("young"));
    CHECK(store.said.dead_links.size() == 2);
  }
  SECTION("however many read, the order is that of the names") {
    for (int i = 100; i < 160; ++i) store.push("many/" + std::to_string(i), std::to_string(i));
    store.options.readers = 1;
    REQUIRE(store.run());
    const Said alone = store.said;
    store.options.readers = 8;
    REQUIRE(store.run());
    CHECK(store.said.manifests == alone.manifests);
    CHECK(store.said.blobs == alone.blobs);
    CHECK(store.said.dead_links == alone.dead_links);
  }
}

TEST_CASE("a repository without _layers keeps its manifests and layers") {
  Marked store;
  const std::string image = store.push("a", "image", "v1");
  store.remove(storage::paths::layers(name("a")));
  REQUIRE(store.run());
  CHECK(store.is_whole("image", image));
}

TEST_CASE("a revision link that is empty or torn is a root by its path") {
  Marked store;
  const std::string image = store.push("a", "image", "v1");
  for (const std::string& torn : {std::string(), digest_of(image).str().substr(0, 40), std::string(1000, 'x')}) {
    store.write(store.link_of("a", image), torn);
    REQUIRE(store.run());
    CHECK(store.is_whole("image", image));
  }
}

TEST_CASE("a torn layer link dies, or lives, as another") {
  Marked store;
  store.push("a", "image", "v1");
  store.push_blob(*store.repository("a"), "old");
  store.write(store.layer_of("a", "old"), "");
  store.write(store.layer_of("a", "layer of image"), "sha256:");
  REQUIRE(store.run());
  CHECK(store.is_live("layer of image"));
  CHECK(store.said.dead_links == Texts{layer_in("a", "old")});
}

TEST_CASE("of a manifest that cannot be read all is kept that it could name, and it is told once") {
  const std::string bytes = GENERATE(as<std::string>(), "", "{", R"({"schemaVersion":2,"mediaType":"unknown/type"})",
                                     R"({"schemaVersion":2,"mediaType":"application/vnd.oci.image.)");
  CAPTURE(bytes);
  Marked store;
  const auto repository = store.repository("a");
  store.push_blob(*repository, "layer");
  store.push_blob(*store.repository("b"), "elsewhere");
  store.push_blob(*store.repository("c"), "nobody's");
  const std::string manifest = bytes + digest_of("elsewhere").str();
  store.write(storage::paths::blob_data(digest_of(manifest)), manifest);
  store.write(store.link_of("a", manifest), digest_of(manifest).str());
  REQUIRE(store.run());
  CHECK(store.said.unreadable_ones == Texts{"a@" + digest_of(manifest).str()});
  CHECK(store.is_live(manifest));
  CHECK(store.is_live("layer"));
  CHECK(store.is_live("elsewhere"));
  CHECK_FALSE(store.is_live("nobody's"));
  CHECK(store.said.dead_links == Texts{layer_in("b", "elsewhere"), layer_in("c", "nobody's")});
}

TEST_CASE("a revision whose blob is gone, or is another's, keeps the layers of its repository") {
  Marked store;
  const std::string image = store.push("a", "image", "v1");
  SECTION("gone") { store.remove(storage::paths::blob_data(digest_of(image))); }
  SECTION("of other bytes") {
    store.write(storage::paths::blob_data(digest_of(image)), image_of(digest_of("other config")));
  }
  SECTION("of length 0") { store.write(storage::paths::blob_data(digest_of(image)), ""); }
  REQUIRE(store.run());
  CHECK(store.is_whole("image", image));
  CHECK(store.said.unreadable_ones.size() == 1);
  CHECK(store.said.dead_links.empty());
}

TEST_CASE("a manifest in quarantine is read there") {
  Marked store;
  const std::string image = store.push("a", "image", "v1");
  store.remove(storage::paths::blob_data(digest_of(image)));
  store.write(storage::paths::parked_blob(digest_of(image)), image);
  REQUIRE(store.run());
  CHECK(store.is_whole("image", image));
  CHECK(store.said.unreadable_ones.empty());
}

TEST_CASE("what is named by another digest is live, and so is its link") {
  Marked store;
  const auto repository = store.repository("a");
  const std::string layer = "a layer";
  model::Digester digester(model::Algorithm::sha512);
  digester.update(as_bytes(layer));
  const model::Digest other = digester.finish();
  store.push_blob(*repository, layer);
  store.push_blob(*repository, "{}");
  store.write(storage::paths::layer_link(name("a"), other), digest_of(layer).str());
  SECTION("named") {
    store.put_manifest("a", oci_manifest, image_of(digest_of("{}"), describe(other)), "v1");
    REQUIRE(store.run());
    CHECK(store.is_live(layer));
    CHECK(store.said.dead_links.empty());
    CHECK(store.said.blobs.back() == "a@" + other.str());
  }
  SECTION("an alias of what is named by sha256 lives with it") {
    store.put_manifest("a", oci_manifest, image_of(digest_of("{}"), describe(digest_of(layer))), "v1");
    REQUIRE(store.run());
    CHECK(store.said.dead_links.empty());
  }
  SECTION("not named: both links are dead") {
    store.put_manifest("a", oci_manifest, image_of(digest_of("{}")), "v1");
    REQUIRE(store.run());
    CHECK_FALSE(store.is_live(layer));
    CHECK(sorted(store.said.dead_links) == sorted({layer_in("a", layer), "a layer " + other.str()}));
  }
}

TEST_CASE("a schema1 manifest keeps its layers, also by tarsum, and its signatures") {
  Marked store;
  const std::string tarsum = "tarsum.v1+sha256:" + std::string(digest_of("x").hex());
  const std::string payload = R"({"schemaVersion":1,"fsLayers":[{"blobSum":")" + digest_of("layer").str() +
                              R"("},{"blobSum":")" + tarsum + "\"}]}";
  const auto repository = store.repository("a");
  for (const char* blob : {"layer", "by tarsum", "signature", "nobody's"}) store.push_blob(*repository, blob);
  store.write(storage::paths::layer_link(name("a"), model::Digest::parse_stored(tarsum).value()),
              digest_of("by tarsum").str());
  store.write(storage::paths::blob_data(digest_of(payload)), payload);
  const auto expect = [&] {
    REQUIRE(store.run());
    CHECK(store.is_live(payload));
    CHECK(store.is_live("layer"));
    CHECK(store.is_live("by tarsum"));
    CHECK(store.is_live("signature"));
    CHECK(store.said.unreadable_ones.empty());
  };
  store.write(storage::paths::signature_link(name("a"), digest_of(payload), digest_of("signature")),
              digest_of("signature").str());
  SECTION("among the revisions") {
    store.write(store.link_of("a", payload), digest_of(payload).str());
    expect();
    CHECK(sorted(store.said.dead_links) == sorted({layer_in("a", "nobody's"), layer_in("a", "signature")}));
  }
  SECTION("among the layers, where 2.1.0 put it") {
    store.write(store.layer_of("a", payload), digest_of(payload).str());
    expect();
    CHECK(store.said.dead_links.size() == 2);
  }
}

TEST_CASE("each repository may have an age of its own at which untagged manifests go") {
  Marked store;
  const std::string a = store.push("a", "of a"), b = store.push("b", "of b"), c = store.push("c", "of c");
  store.options.untagged = hours(24); // of nobody, as all are asked about
  store.options.untagged_in = [](const model::RepositoryName& repository) -> std::optional<std::chrono::nanoseconds> {
    if (repository == name("a")) return std::nullopt;
    return repository == name("b") ? hours(24) : hours(100);
  };
  REQUIRE(store.run());
  REQUIRE(store.said.dead_links.size() >= 1);
  for (const std::string& link : store.said.dead_links) CHECK(link.starts_with("b "));
}

TEST_CASE("with untagged ones to go, what is tagged keeps its children and referrers, all the way") {
  Marked store;
  store.options.untagged = hours(24);
  const std::string child = store.push("a", "child"), untagged = store.push("a", "untagged");
  const std::string signature = store.push("a", "signature", std::nullopt, child);
  const std::string of_signature = store.push("a", "signature of the signature", std::nullopt, signature);
  const std::string lonely = store.push("a", "lonely", std::nullopt, "a subject that is not there");
  const std::string of_untagged = store.push("a", "signature of untagged", std::nullopt, untagged);
  const std::string inner = index_of(describe(digest_of(child)));
  const std::string outer = index_of(describe(digest_of(inner)));
  store.put_manifest("a", oci_index, inner);
  store.put_manifest("a", oci_index, outer, "v1");
  const std::string young = store.push("a", "young");
  store.make_young(store.link_of("a", young));
  REQUIRE(store.run());
  Texts expected{manifest_in("a", untagged), manifest_in("a", lonely), manifest_in("a", of_untagged)};
  std::ranges::sort(expected);
  CHECK(store.said.dead_links == expected);
  CHECK(store.is_whole("signature of the signature", of_signature));
  // What is to be parked may be asked for yet.
  CHECK(store.is_whole("untagged", untagged));

  SECTION("at once, with no grace: what they name is dead too") {
    store.options.grace = {};
    store.options.untagged = hours(0);
    REQUIRE(store.run());
    CHECK_FALSE(store.is_live(untagged));
    CHECK_FALSE(store.is_live("layer of untagged"));
    CHECK_FALSE(store.is_live("layer of young"));
    CHECK(store.is_whole("child", child));
    CHECK(store.is_whole("signature", signature));
  }
  SECTION("not told to, they stay") {
    store.options.untagged.reset();
    REQUIRE(store.run());
    CHECK(store.said.dead_links.empty());
  }
  SECTION("a manifest that cannot be read stays") {
    store.write(storage::paths::blob_data(digest_of(untagged)), "torn");
    REQUIRE(store.run());
    CHECK(store.said.unreadable_ones.size() == 1);
    CHECK(std::ranges::find(store.said.dead_links, manifest_in("a", untagged)) == store.said.dead_links.end());
  }
}

TEST_CASE("a parked revision is a root until it is to be freed, and comes back if it is needed") {
  Marked store;
  const std::string image = store.push("a", "image"), other = store.push("a", "other", "v1");
  store.park(store.link_of("a", image));
  const std::string parked = "a manifest parked " + digest_of(image).str();
  const std::string file = store.link_of("a", image).substr(0, store.link_of("a", image).rfind('/')) + "/collected";
  Texts layers{layer_in("a", "config of image"), layer_in("a", "layer of image")};
  std::ranges::sort(layers);
  SECTION("parked long ago") {
    REQUIRE(store.run());
    CHECK(store.said.dead_links == Texts{parked, layers[0], layers[1]});
    CHECK_FALSE(store.is_live(image));
    CHECK_FALSE(store.is_live("layer of image"));
  }
  SECTION("parked an hour ago") {
    store.make_young(file);
    REQUIRE(store.run());
    CHECK(store.said.dead_links == Texts{parked});
    CHECK(store.is_whole("image", image));
  }
  SECTION("tagged since") {
    store.write(storage::paths::tag_current_link(name("a"), tag("v2")), digest_of(image).str());
    store.park(store.layer_of("a", "layer of image"));
    REQUIRE(store.run());
    CHECK(store.said.dead_links.empty());
    CHECK(store.said.revived_links == Texts{parked, "a layer parked " + digest_of("layer of image").str()});
    CHECK(store.is_whole("image", image));
  }
  SECTION("listed by an index since") {
    store.write(store.link_of("a", image), digest_of(image).str());
    store.put_manifest("a", oci_index, index_of(describe(digest_of(image))));
    store.remove(store.link_of("a", image));
    REQUIRE(store.run());
    CHECK(store.said.dead_links.empty());
    CHECK(store.said.revived_links == Texts{parked});
  }
}

TEST_CASE("v1 images keep their layers while a live manifest was made of them, or they are being pushed") {
  Marked store;
  const auto id = [](char digit) { return model::ImageId::parse(std::string(64, digit)).value(); };
  const auto record = [&](const std::string& layer, const std::optional<model::ImageId>& parent) {
    return R"({"json":")" + digest_of("json").str() + R"(","layer":")" + digest_of(layer).str() +
           R"(","size":1,"diff_id":")" + digest_of(layer).str() + R"(","compression":"xz")" +
           (parent ? R"(,"parent":")" + parent->str() + "\"" : "") + "}";
  };
  const std::string image = store.push("a", "image", "v1");
  store.write(storage::paths::v1_image(id('1')), record("base", std::nullopt));
  store.write(storage::paths::v1_image(id('2')), record("top", id('1')));
  store.write(storage::paths::v1_pushed(name("a"), digest_of(image)), id('2').str());
  store.write(storage::paths::v1_image(id('3')), record("young", std::nullopt));
  store.make_young(storage::paths::v1_image(id('3')));
  store.write(storage::paths::v1_image(id('4')), record("old", std::nullopt));
  store.write(storage::paths::v1_upload(id('5'), digest_of("payload")), record("coming", std::nullopt));
  store.make_young(storage::paths::v1_upload(id('5'), digest_of("payload")));
  REQUIRE(store.run());
  for (const char* layer : {"base", "top", "young", "coming"}) CHECK(store.is_live(layer));
  CHECK_FALSE(store.is_live("old"));

  SECTION("of a manifest that is gone: no longer") {
    store.remove(store.link_of("a", image));
    REQUIRE(store.run());
    CHECK_FALSE(store.is_live("base"));
    CHECK_FALSE(store.is_live("top"));
  }
  SECTION("a record that cannot be read might lead to any") {
    store.write(storage::paths::v1_image(id('2')), "torn");
    REQUIRE(store.run());
    CHECK(store.is_live("base"));
    CHECK(store.is_live("old"));
    CHECK(store.said.odd_ones == Texts{storage::paths::v1_image(id('2'))});
  }
}

TEST_CASE("a repository that no client can name is passed over, and told") {
  Marked store;
  store.write(storage::paths::repositories() + "/Upper/_layers/x", "x");
  REQUIRE(store.run());
  CHECK(store.said.odd_ones == Texts{storage::paths::repositories() + "/Upper"});
}

TEST_CASE("a directory that cannot be listed ends the mark") {
  Marked store;
  store.push("a", "image", "v1");
  store.push("b", "image", "v1");
  for (const std::string& path :
       {storage::paths::repositories(), storage::paths::revisions(name("b")), storage::paths::layers(name("b"))}) {
    store.dated.unreadable = {path};
    storage::LiveSet live;
    CHECK_FALSE(storage::mark(store.dated, store.options, live, store.said));
  }
}

TEST_CASE("a mark that is told to stop says that it is not whole") {
  Marked store;
  store.push("a", "image", "v1");
  store.options.stop = [] { return true; };
  CHECK_FALSE(store.run());
}
