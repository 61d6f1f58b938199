// Tags that keep the manifest they have.
#include "storage/manifests/immutable_tags.h"

#include <catch2/catch.hpp>

#include "unit/storage/fixture.h"

using namespace berth;
using namespace berth::test;
using model::media::oci_manifest;

namespace {

storage::WrittenImmutable rule(std::vector<std::string> repositories, std::vector<std::string> tags,
                               std::vector<std::string> except = {}) {
  return {"c.yml:3: berth.immutable[0]", std::move(repositories), std::move(tags), std::move(except)};
}

storage::ImmutableTags made(storage::WrittenImmutable written) {
  return storage::ImmutableTags::make({std::move(written)}).value();
}

std::string refusal_of(storage::WrittenImmutable written) {
  const auto made = storage::ImmutableTags::make({std::move(written)});
  if (made) return "";
  CHECK(made.error().code == Code::invalid);
  return made.error().message;
}

// A registry with images of which v1 points to the first.
struct Tagged : Fixture {
  Tagged() : Fixture({}, made(rule({"prod/**"}, {"v*"}, {"v-next"}))) {}

  model::CanonicalDigest push(registry::Repository& repository, const std::string& config) {
    REQUIRE(repository.blobs().put("application/json", config));
    const auto info = model::detect_manifest(image_of(digest_of(config))).value();
    return repository.manifests().put(info, image_of(digest_of(config)), std::nullopt).value().digest;
  }
};

} // namespace

TEST_CASE("which tags are immutable") {
  const auto tags = made(rule({"prod/**", "base"}, {"v*", "latest"}, {"v*-rc*", "vnext"}));
  const auto is = [&](const std::string& repository, const std::string& text) {
    return tags.has(name(repository), tag(text));
  };
  CHECK((is("prod/a", "v1") && is("prod/a/b", "latest") && is("base", "v1")));
  CHECK_FALSE((is("prod", "v1") || is("prod/a", "1v") || is("prod/a", "latest2") || is("base/x", "v1")));
  CHECK_FALSE((is("prod/a", "v1-rc1") || is("prod/a", "vnext")));
  CHECK((tags.has_some(name("base")) && !tags.has_some(name("test"))));
  CHECK_FALSE(storage::ImmutableTags().has(name("a"), tag("v1")));
}

TEST_CASE("rules for immutable tags that nothing fits are refused, and say where") {
  CHECK(refusal_of(rule({"a"}, {"v*"})).empty());
  CHECK(refusal_of(rule({}, {"v*"})).starts_with("c.yml:3: berth.immutable[0].repositories: (nothing): allowed is "));
  CHECK(refusal_of(rule({"A"}, {"v*"})).starts_with("c.yml:3: berth.immutable[0].repositories: \"A\": allowed is "));
  CHECK(refusal_of(rule({"{user}/**"}, {"v*"})).contains("without {user}"));
  CHECK(refusal_of(rule({"a"}, {})).starts_with("c.yml:3: berth.immutable[0].tags: (nothing): allowed is "));
  const std::string longest(model::Tag::max_length, 'v');
  for (const auto& glob : std::vector<std::string>{"v 1", "-v*", "v/*", "", longest + "v", longest + "*!"}) {
    CAPTURE(glob);
    CHECK(refusal_of(rule({"a"}, {glob})).contains(".tags: "));
    CHECK(refusal_of(rule({"a"}, {"v1"}, {glob})).contains(".except: "));
  }
  for (const auto& glob : std::vector<std::string>{"*", "**", "*.1", longest, longest + "*"}) {
    CAPTURE(glob);
    CHECK(refusal_of(rule({"a"}, {glob})).empty());
  }
}

TEST_CASE("an immutable tag is neither moved nor deleted, nor its manifest") {
  Tagged store;
  const auto repository = store.repository("prod/app");
  const auto first = store.push(*repository, "{\"a\":1}"), second = store.push(*repository, "{\"a\":2}");
  auto& tags = repository->tags();
  REQUIRE(tags.tag(tag("v1"), first));
  CHECK(tags.tag(tag("v1"), first)); // a push that is repeated
  const auto moved = tags.tag(tag("v1"), second);
  REQUIRE_FALSE(moved);
  CHECK(moved.error().code == Code::immutable);
  CHECK(moved.error().message == "tag v1 of prod/app is immutable: it is " + first.str());
  CHECK(tags.get(tag("v1")).value() == first);

  CHECK(is(tags.untag(tag("v1")).error(), Code::immutable));
  REQUIRE(tags.tag(tag("also"), first));
  CHECK(is(repository->manifests().remove(first).error(), Code::immutable));
  CHECK(tags.get(tag("v1")).value() == first);
  CHECK(tags.get(tag("also")).value() == first); // nothing of a deletion that is refused was done
  CHECK(repository->manifests().get(first));

  REQUIRE(tags.untag(tag("also")));
  REQUIRE(tags.tag(tag("v-next"), first));
  CHECK(tags.tag(tag("v-next"), second)); // an exception
  CHECK(repository->manifests().remove(second));
}

TEST_CASE("tags of other repositories are not immutable, and a damaged one is mended by a push") {
  Tagged store;
  const auto other = store.repository("test/app"), repository = store.repository("prod/app");
  const auto first = store.push(*other, "{\"a\":1}"), second = store.push(*other, "{\"a\":2}");
  REQUIRE(other->tags().tag(tag("v1"), first));
  CHECK(other->tags().tag(tag("v1"), second));
  CHECK(other->tags().untag(tag("v1")));

  const auto mine = store.push(*repository, "{\"a\":1}");
  REQUIRE(store.driver.put_scratch(storage::paths::tag_current_link(name("prod/app"), tag("v1")), "rubbish"));
  CHECK(repository->tags().tag(tag("v1"), mine));
}
