// The ids of v1 images are the same in every repository: who may read none that has an image learns of no image.
#include <catch2/catch.hpp>

#include "model/v1_push.h"
#include "storage/v1/tags.h"
#include "unit/storage/fixture.h"

using namespace berth;

namespace {

const auto base_id = model::ImageId::parse(std::string(64, '1')).value();
const auto top_id = model::ImageId::parse(std::string(64, '2')).value();
const std::string base_json = R"({"id":")" + base_id.str() + "\"}";
const std::string top_json = R"({"id":")" + top_id.str() + R"(","parent":")" + base_id.str() + "\"}";

struct Store : test::Fixture {
  storage::Unpacking unpacking{{}};
  storage::V1Images images{{driver, locks, registry, logger, unpacking}};
  storage::V1Tags tags{{driver, registry, images, logger, unpacking}};

  void push(const model::ImageId& id, const std::string& json) {
    const std::string layer(3000, id.str().front());
    REQUIRE(images.put_json(id, json));
    REQUIRE(images.put_layer(id, Content::of(layer), nullptr));
    REQUIRE(images.put_checksum(id, {model::CanonicalDigest::of_bytes(json + "\n" + layer).str(), {}}));
  }
};

registry::MayRead only(std::string name) {
  return [name = std::move(name)](const model::RepositoryName& asked) -> Result<bool> { return asked.str() == name; };
}

template <class T>
bool is_unknown(const Result<T>& result) {
  return !result && is(result.error(), Code::image_unknown);
}

} // namespace

TEST_CASE("an id is readable through a repository that the caller may read, and through no other") {
  Store store;
  store.push(base_id, base_json);
  store.push(top_id, top_json);
  const auto tag = test::tag("v1");
  CHECK(store.images.find(top_id, only("team/other"))); // in no repository yet: a push that goes on
  REQUIRE(store.tags.tag(*store.repository("team/secret"), tag, top_id, registry::IfTagged::move, nullptr, nullptr));
  for (const auto& id : {base_id, top_id}) {
    CHECK(store.images.find(id, nullptr));
    CHECK(store.images.find(id, only("team/secret")));
    CHECK(store.images.ancestry(id, only("team/secret")));
    CHECK(is_unknown(store.images.find(id, only("team/other"))));
    CHECK(is_unknown(store.images.ancestry(id, only("team/other"))));
  }
  // Nor does tagging it elsewhere help who may not read it.
  CHECK(is_unknown(store.tags.tag(*store.repository("team/other"), tag, top_id, registry::IfTagged::move,
                                  only("team/other"), nullptr)));
  CHECK(is_unknown(store.images.find(top_id, only("team/other"))));
  // Who may, shows it to the readers of the other one.
  REQUIRE(store.tags.tag(*store.repository("team/other"), tag, base_id, registry::IfTagged::move, only("team/secret"),
                         nullptr));
  CHECK(store.images.find(base_id, only("team/other")));
  CHECK(is_unknown(store.images.find(top_id, only("team/other"))));
}

TEST_CASE("a repository that cannot be asked about is an error, and not one that may be read") {
  Store store;
  store.push(base_id, base_json);
  REQUIRE(store.tags.tag(*store.repository("team/secret"), test::tag("v1"), base_id, registry::IfTagged::move, nullptr,
                         nullptr));
  const auto found =
      store.images.find(base_id, [](const model::RepositoryName&) -> Result<bool> { return fail(Code::io); });
  REQUIRE(!found);
  CHECK(is(found.error(), Code::io));
}
