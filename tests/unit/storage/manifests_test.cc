#include <catch2/catch.hpp>

#include <atomic>
#include <thread>

#include "unit/storage/fixture.h"

using namespace berth;
using namespace berth::test;
using model::media::docker_manifest;
using model::media::oci_index;
using model::media::oci_manifest;

namespace {

const std::string nondistributable = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip";

std::string layer(const std::string& media_type, const std::string& bytes, const std::string& urls) {
  return R"({"mediaType":")" + media_type + R"(","size":1,"digest":")" + digest_of(bytes).str() + R"(","urls":[)" +
         urls + "]}";
}

// A repository with a config blob, to put manifests into.
struct Repository : Fixture {
  explicit Repository(const storage::ManifestPolicy& policy = {}) : Fixture(policy) { push_blob(*repository_, "{}"); }
  Result<model::Descriptor> put_image(const std::string& layers) {
    return put(*repository_, oci_manifest, image_of(digest_of("{}"), layers));
  }
  std::unique_ptr<registry::Repository> repository_ = repository("a/b");
};

} // namespace

TEST_CASE("a manifest is a blob with a revision link, and comes back byte for byte") {
  Repository fixture;
  auto& repository = *fixture.repository_;
  const std::string bytes = image_of(digest_of("{}"));
  const auto descriptor = put(repository, oci_manifest, bytes);
  REQUIRE(descriptor);
  CHECK(descriptor->digest == digest_of(bytes));
  CHECK(fixture.content("/docker/registry/v2/repositories/a/b/_manifests/revisions/sha256/" +
                        std::string(descriptor->digest.hex()) + "/link") == descriptor->digest.str());
  const auto manifest = repository.manifests().get(descriptor->digest);
  REQUIRE(manifest);
  CHECK(manifest->bytes == bytes);
  CHECK(manifest->kind == model::ManifestKind::oci_manifest);
  CHECK(repository.manifests().stat(descriptor->digest)->media_type == oci_manifest);
  CHECK(repository.blobs().stat(descriptor->digest).error().code == Code::blob_unknown); // no layer
  CHECK(fixture.repository("c")->manifests().get(descriptor->digest).error().code == Code::manifest_unknown);
}

TEST_CASE("every blob that is missing is named") {
  Repository fixture;
  const auto refused =
      fixture.put_image(describe(digest_of("1")) + "," + describe(digest_of("{}")) + "," + describe(digest_of("2")));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Code::manifest_blob_unknown);
  CHECK(refused.error().detail == digest_of("1").str());
  REQUIRE(refused.error().also.size() == 1);
  CHECK(refused.error().also[0].detail == digest_of("2").str());
}

TEST_CASE("the children of an index must exist, unless the policy says otherwise") {
  using Children = storage::ManifestPolicy::Children;
  const auto child = [](const std::string& architecture) {
    return describe(digest_of(architecture), R"(,"platform":{"os":"linux","architecture":")" + architecture + "\"}");
  };
  const std::string bytes = index_of(child("amd64") + "," + child("arm64"));
  const auto missing = [&](const storage::ManifestPolicy& policy) -> std::size_t {
    Repository fixture(policy);
    const auto result = put(*fixture.repository_, oci_index, bytes);
    return result ? 0 : 1 + result.error().also.size();
  };
  CHECK(missing({}) == 2);
  CHECK(missing({.disabled = true, .url_allow = {}, .url_deny = {}, .platforms = {}}) == 0);
  CHECK(missing({.url_allow = {}, .url_deny = {}, .children = Children::none, .platforms = {}}) == 0);
  CHECK(missing({.url_allow = {}, .url_deny = {}, .children = Children::listed, .platforms = {{"amd64", "linux"}}}) ==
        1);
  CHECK(missing({.url_allow = {}, .url_deny = {}, .children = Children::listed, .platforms = {{"s390x", "linux"}}}) ==
        0);

  Repository fixture;
  const auto image = fixture.put_image("");
  CHECK(put(*fixture.repository_, oci_index, index_of(describe(image->digest))));
}

TEST_CASE("what is in the repository has the size that a manifest gives") {
  using Children = storage::ManifestPolicy::Children;
  const auto verdict = [](const storage::ManifestPolicy& policy, const std::string& size) {
    Repository fixture(policy);
    fixture.push_blob(*fixture.repository_, "layer");
    const auto image = fixture.put_image(describe(digest_of("layer"), size));
    const auto child = fixture.put_image("");
    const auto index = put(*fixture.repository_, oci_index, index_of(describe(child->digest, size)));
    const auto said = [](const auto& result) { return result ? std::string("taken") : result.error().detail; };
    return said(image) + "; " + said(index);
  };
  const std::string child = image_of(digest_of("{}"));
  storage::ManifestPolicy lenient;
  lenient.sparse_images = true;
  lenient.children = Children::none;
  for (const auto& policy : {storage::ManifestPolicy{}, lenient}) {
    CHECK(verdict(policy, R"(,"size":7)") == "the size of " + digest_of("layer").str() +
                                                 " is 5 and not 7; the size of " + digest_of(child).str() + " is " +
                                                 std::to_string(child.size()) + " and not 7");
    CHECK(verdict(policy, R"(,"size":0)") == "taken; taken");
    CHECK(verdict(policy, "") == "taken; taken");
  }
  Repository fixture;
  CHECK(fixture.put_image(describe(digest_of("{}"), R"(,"size":2)")));
  // The second mention counts as the first does; a foreign layer is wherever its URL says.
  CHECK_FALSE(fixture.put_image(describe(digest_of("{}")) + "," + describe(digest_of("{}"), R"(,"size":3)")));
  storage::ManifestPolicy urls;
  urls.url_allow = {"."};
  CHECK(Repository(urls).put_image(layer(nondistributable, "{}", R"("https://example.com/far")")));
}

TEST_CASE("layers elsewhere need URLs that the policy allows") {
  const auto verdict = [](const storage::ManifestPolicy& policy, const std::string& layers) {
    Repository fixture(policy);
    const auto result = fixture.put_image(layers);
    return result ? "taken" : result.error().code == Code::manifest_invalid ? "invalid" : "missing";
  };
  const std::string far = layer(nondistributable, "far", R"("https://example.com/far")");
  storage::ManifestPolicy allow, deny, disabled;
  allow.url_allow = {"^https://example\\.com/"};
  deny.url_deny = {"example\\.net"};
  disabled.disabled = true;
  CHECK(verdict({}, far) == std::string("invalid"));
  CHECK(verdict(allow, far) == std::string("taken"));
  CHECK(verdict(deny, far) == std::string("taken"));
  CHECK(verdict(disabled, far) == std::string("taken"));
  CHECK(verdict(allow, layer(nondistributable, "far", R"("https://example.net/far")")) == std::string("invalid"));
  CHECK(verdict(deny, layer(nondistributable, "far", R"("https://example.net/far")")) == std::string("invalid"));
  CHECK(verdict(disabled, layer(nondistributable, "far", R"("ftp://example.com/far")")) == std::string("invalid"));
  CHECK(verdict(disabled, layer(nondistributable, "far", R"("https://example.com/far#part")")) ==
        std::string("invalid"));
  // Without URLs, or of an ordinary type, it has to be here as well.
  CHECK(verdict(allow, layer(nondistributable, "far", "")) == std::string("missing"));
  CHECK(verdict(allow, layer("application/vnd.oci.image.layer.v1.tar+gzip", "far", R"("https://example.com/far")")) ==
        std::string("missing"));
}

TEST_CASE("a foreign layer of docker's needs a URL, and nothing else") {
  storage::ManifestPolicy policy;
  policy.url_allow = {"."};
  Repository fixture(policy);
  const auto put_docker = [&](const std::string& urls) {
    std::string bytes = image_of(digest_of("{}"), layer(std::string(model::media::docker_foreign_layer), "far", urls));
    bytes.insert(1, R"("mediaType":")" + std::string(docker_manifest) + "\",");
    return put(*fixture.repository_, docker_manifest, bytes);
  };
  CHECK(put_docker(R"("https://example.com/far")"));
  CHECK(put_docker("").error().code == Code::manifest_invalid);
}

TEST_CASE("what is pushed is of a class that the policy allows") {
  const auto verdict = [](std::vector<std::string> classes, std::string_view type, std::string config_type) {
    storage::ManifestPolicy policy;
    policy.classes = std::move(classes);
    Repository fixture(policy);
    fixture.push_blob(*fixture.repository_, "{}");
    const std::string bytes = R"({"schemaVersion":2,"mediaType":")" + std::string(type) +
                              R"(","layers":[],"config":{"mediaType":")" + config_type + R"(","size":2,"digest":")" +
                              digest_of("{}").str() + "\"}}";
    const auto result = put(*fixture.repository_, std::string(type), bytes);
    return result ? "taken" : result.error().code == Code::denied ? result.error().message : "?";
  };
  const std::string image(model::media::docker_image_config), plugin(model::media::docker_plugin_config);
  const std::string oci_image(model::media::oci_image_config);
  CHECK(verdict({}, docker_manifest, plugin) == "taken");
  CHECK(verdict({"image"}, docker_manifest, image) == "taken");
  CHECK(verdict({"image"}, oci_manifest, oci_image) == "taken");
  CHECK(verdict({"image"}, docker_manifest, plugin) == "registry does not allow plugin manifest");
  CHECK(verdict({"plugin"}, docker_manifest, image) == "registry does not allow image manifest");
  CHECK(verdict({"image", "plugin"}, docker_manifest, plugin) == "taken");
  CHECK(verdict({"image"}, oci_manifest, "application/vnd.cncf.helm.config.v1+json") ==
        "unknown manifest class for application/vnd.cncf.helm.config.v1+json");
}

TEST_CASE("a tag points to the last manifest it was given, and remembers the others") {
  Repository fixture;
  auto& tags = fixture.repository_->tags();
  const auto one = fixture.put_image("")->digest, two = fixture.put_image(describe(digest_of("{}")))->digest;
  REQUIRE(tags.tag(tag("v1"), one));
  REQUIRE(tags.tag(tag("v1"), two));
  CHECK(tags.get(tag("v1")).value() == two);
  const std::string directory = "/docker/registry/v2/repositories/a/b/_manifests/tags/v1";
  CHECK(fixture.content(directory + "/current/link") == two.str());
  CHECK(fixture.content(directory + "/index/sha256/" + std::string(one.hex()) + "/link") == one.str());
  CHECK(fixture.content(directory + "/index/sha256/" + std::string(two.hex()) + "/link") == two.str());
  REQUIRE(tags.untag(tag("v1")));
  CHECK(tags.get(tag("v1")).error().code == Code::manifest_unknown);
  CHECK(tags.untag(tag("v1")).error().code == Code::manifest_unknown);
  CHECK(fixture.repository_->manifests().get(one));
}

TEST_CASE("a tag that may not be moved stays, and may be given its own manifest again") {
  using enum registry::IfTagged;
  Repository fixture;
  auto& tags = fixture.repository_->tags();
  const auto one = fixture.put_image("")->digest, two = fixture.put_image(describe(digest_of("{}")))->digest;
  REQUIRE(tags.tag(tag("v1"), one, one, refuse));
  REQUIRE(tags.tag(tag("v1"), one, one, refuse));
  const auto moved = tags.tag(tag("v1"), two, two, refuse);
  REQUIRE_FALSE(moved);
  CHECK(moved.error().code == Code::exists);
  CHECK(tags.get(tag("v1")).value() == one);
  const std::string directory = "/docker/registry/v2/repositories/a/b/_manifests/tags/v1";
  CHECK(fixture.driver.stat(directory + "/index/sha256/" + std::string(two.hex())).error().code == Code::not_found);
  REQUIRE(tags.tag(tag("v1"), two, two, move));
  REQUIRE(tags.untag(tag("v1")));
  REQUIRE(tags.tag(tag("v1"), one, one, refuse));
}

TEST_CASE("of two that add the same tag at the same time one is refused") {
  Repository fixture;
  const auto one = fixture.put_image("")->digest, two = fixture.put_image(describe(digest_of("{}")))->digest;
  for (int i = 0; i < 100; ++i) {
    const auto name = tag("v" + std::to_string(i));
    std::atomic<int> added = 0;
    const auto add = [&](const auto& digest) {
      if (fixture.repository("a/b")->tags().tag(name, digest, digest, registry::IfTagged::refuse)) ++added;
    };
    std::thread other([&] { add(two); });
    add(one);
    other.join();
    CHECK(added == 1);
  }
}

TEST_CASE("deleting a manifest takes its tags, and no others") {
  Repository fixture;
  auto& repository = *fixture.repository_;
  const auto one = fixture.put_image("")->digest, two = fixture.put_image(describe(digest_of("{}")))->digest;
  for (const std::string text : {"a", "b"}) REQUIRE(repository.tags().tag(tag(text), one));
  REQUIRE(repository.tags().tag(tag("c"), two));
  REQUIRE(repository.manifests().remove(one));
  CHECK(repository.manifests().get(one).error().code == Code::manifest_unknown);
  CHECK(repository.manifests().remove(one).error().code == Code::manifest_unknown);
  CHECK(repository.tags().list({})->entries == std::vector<std::string>{"c"});
}

TEST_CASE("a manifest that 2.1.0 linked among the layers is found, and a layer is no manifest") {
  Repository fixture;
  auto& repository = *fixture.repository_;
  const std::string bytes = R"({"schemaVersion":1,"name":"a/b","tag":"v1","architecture":"amd64","fsLayers":[],)"
                            R"("history":[]})";
  fixture.push_blob(repository, bytes);
  for (const std::string& layer : {std::string("a layer"), image_of(digest_of("{}"))}) {
    fixture.push_blob(repository, layer);
    CHECK(repository.manifests().get(digest_of(layer)).error().code == Code::manifest_unknown);
    CHECK(repository.manifests().remove(digest_of(layer)).error().code == Code::manifest_unknown);
    CHECK(repository.blobs().stat(digest_of(layer)));
  }
  REQUIRE(repository.manifests().get(digest_of(bytes)));
  CHECK(repository.manifests().get(digest_of(bytes))->bytes == bytes);
  REQUIRE(repository.manifests().remove(digest_of(bytes)));
  CHECK_FALSE(repository.manifests().get(digest_of(bytes)));
}

TEST_CASE("a blob that is a layer and a manifest is deleted as the one, and stays as the other") {
  Repository fixture;
  auto& repository = *fixture.repository_;
  const std::string bytes = image_of(digest_of("{}"));
  for (const bool manifest_first : {true, false}) {
    CAPTURE(manifest_first);
    fixture.push_blob(repository, bytes);
    REQUIRE(fixture.put_image(""));
    if (manifest_first) {
      REQUIRE(repository.manifests().remove(digest_of(bytes)));
      CHECK(repository.manifests().get(digest_of(bytes)).error().code == Code::manifest_unknown);
      CHECK(repository.blobs().get(digest_of(bytes), 1000).value() == bytes);
    } else {
      REQUIRE(repository.blobs().remove(digest_of(bytes)));
      CHECK(repository.blobs().stat(digest_of(bytes)).error().code == Code::blob_unknown);
      CHECK(repository.manifests().get(digest_of(bytes))->bytes == bytes);
    }
  }
}

TEST_CASE("a file among the tags is none: it is not listed, and not removed") {
  Repository fixture;
  auto& repository = *fixture.repository_;
  const auto digest = fixture.put_image("")->digest;
  REQUIRE(repository.tags().tag(tag("v1"), digest));
  const std::string file = storage::paths::tags(name("a/b")) + "/Thumbs.db";
  REQUIRE(fixture.driver.put_scratch(file, "x"));
  CHECK(repository.tags().list({})->entries == std::vector<std::string>{"v1"});
  CHECK(repository.tags().get(tag("Thumbs.db")).error().code == Code::manifest_unknown);
  CHECK(repository.tags().untag(tag("Thumbs.db")).error().code == Code::manifest_unknown);
  REQUIRE(repository.manifests().remove(digest));
  CHECK(fixture.content(file) == "x");
}

TEST_CASE("a tag that is pushed while its manifest is deleted leads to it, or is gone") {
  Repository fixture;
  auto& repository = *fixture.repository_;
  const auto digest = fixture.put_image("")->digest;
  std::atomic<int> going = 2;
  const auto push = [&](const std::string& prefix) {
    const auto mine = fixture.repository("a/b");
    for (int i = 0; i < 300; ++i) static_cast<void>(mine->tags().tag(tag(prefix + std::to_string(i)), digest));
    --going;
  };
  std::thread one(push, "one"), two(push, "two");
  const auto remover = fixture.repository("a/b");
  while (going > 0) static_cast<void>(remover->manifests().remove(digest));
  one.join();
  two.join();
  const auto left = repository.tags().list({}).value_or(registry::Page{}); // in memory there may be nothing left
  for (const std::string& one_left : left.entries) {
    CAPTURE(one_left);
    CHECK(repository.tags().get(tag(one_left)).value() == digest);
    CHECK(repository.manifests().get(digest));
  }
  CHECK(fixture.names("/berth/removals").empty()); // no notice is left
}

TEST_CASE("pages of tags") {
  Repository fixture;
  auto& repository = *fixture.repository_;
  CHECK(repository.tags().list({}).error().code == Code::name_unknown);
  const auto digest = fixture.put_image("")->digest;
  CHECK(repository.tags().list({})->entries.empty()); // a repository without tags
  for (const std::string text : {"b", "B", "a", "c", "10", "9"}) REQUIRE(repository.tags().tag(tag(text), digest));
  const auto page = [&](const std::string& last, std::optional<std::size_t> limit) {
    return repository.tags().list({last, limit}).value();
  };
  using Names = std::vector<std::string>;
  CHECK(page("", std::nullopt).entries == Names{"10", "9", "B", "a", "b", "c"});
  CHECK_FALSE(page("", std::nullopt).more);
  CHECK(page("", 2).entries == Names{"10", "9"});
  CHECK(page("", 2).more);
  CHECK(page("9", 2).entries == Names{"B", "a"});
  CHECK(page("aa", 2).entries == Names{"b", "c"}); // `last` need not exist
  CHECK_FALSE(page("aa", 2).more);
  CHECK(page("", 0).entries.empty());
  CHECK(page("c", 5).entries.empty());
}

TEST_CASE("the catalog lists repositories with manifests, a slash before every other character") {
  Fixture fixture;
  for (const std::string text : {"a", "a/b", "a-b", "a.b/c", "b/c/d", "z"}) {
    const auto repository = fixture.repository(text);
    fixture.push_blob(*repository, "{}");
    REQUIRE(put(*repository, oci_manifest, image_of(digest_of("{}"))));
  }
  fixture.push_blob(*fixture.repository("only/blobs"), "x");
  using Names = std::vector<std::string>;
  const auto page = [&](const std::string& last, std::optional<std::size_t> limit) {
    return fixture.registry.repositories({last, limit}).value();
  };
  const Names all = {"a", "a/b", "a-b", "a.b/c", "b/c/d", "z"};
  CHECK(page("", std::nullopt).entries == all);
  for (std::size_t limit = 1; limit <= all.size() + 1; ++limit) { // every page size gives the same list
    Names seen;
    registry::Page part;
    do {
      part = page(seen.empty() ? "" : seen.back(), limit);
      CHECK(part.entries.size() <= limit);
      seen.insert(seen.end(), part.entries.begin(), part.entries.end());
    } while (part.more);
    CHECK(seen == all);
  }
  CHECK(page("a/a", 2).entries == Names{"a/b", "a-b"}); // `last` need not exist
  CHECK(page("b/c", 1).entries == Names{"b/c/d"});
  CHECK(page("zz", 5).entries.empty());
  CHECK(page("", 0).entries.empty());
}

TEST_CASE("the catalog of a store that was never used is empty") {
  Fixture fixture;
  CHECK(fixture.registry.repositories({}).value().entries.empty());
}
