#include <catch2/catch.hpp>

#include <algorithm>

#include "storage/enumerate/contents.h"
#include "storage/enumerate/repositories.h"
#include "unit/storage/collect/dated.h"

using namespace berth;
using namespace berth::test;
using Texts = std::vector<std::string>;

namespace {

std::string top() { return storage::paths::repositories(); }

// A store of single files.
struct Files {
  driver::Memory driver;
  Dated dated{driver};
  void write(const std::string& path, const std::string& bytes = "x") { REQUIRE(driver.put_scratch(path, bytes)); }

  Texts repositories() {
    storage::Repositories all(dated, [](const std::string&, const Error& why) { return std::unexpected(why); });
    Texts found;
    while (const auto next = all.next().value()) {
      found.push_back(next->path.substr(top().size() + 1) + (next->name ? "" : " (no name)") +
                      (next->has_layers ? " l" : "") + (next->has_manifests ? " m" : "") +
                      (next->has_uploads ? " u" : ""));
    }
    return found;
  }
};

// What a walk calls back, as texts.
template <class Walk, class... Arguments>
Texts each(const Walk& walk, Files& files, const Arguments&... arguments) {
  Texts found;
  const auto done = walk(files.dated, arguments..., [&](const auto&... what) -> Result<> {
    std::string text;
    const auto add = [&](const auto& one) {
      if constexpr (requires { one.str(); }) text += (text.empty() ? "" : " ") + one.str();
    };
    (add(what), ...);
    found.push_back(text);
    return {};
  });
  REQUIRE(done);
  return found;
}

} // namespace

TEST_CASE("repositories are found in the order of a walk, with what each has") {
  Files files;
  CHECK(files.repositories().empty());
  files.write(top() + "/b/_manifests/revisions/x");
  files.write(top() + "/a/_layers/sha256/x/link");
  files.write(top() + "/a/c/_uploads/x/startedat");
  files.write(top() + "/a/0/_manifests/tags/x/current/link");
  files.write(top() + "/a-b/_layers/x");
  files.write(top() + "/a-b/_manifests/x");
  files.write(top() + "/nothing/here");
  files.write(top() + "/_layers/of-nobody");
  files.write(top() + "/Upper/x/_layers/x");
  files.write(top() + "/file");
  CHECK(files.repositories() == Texts{"Upper/x (no name) l", "a l", "a/0 m", "a/c u", "a-b l m", "b m"});
}

TEST_CASE("more repositories than a page, and a repository with as many below it") {
  Files files;
  constexpr int many = 20'000;
  static_assert(many > storage::page_size);
  for (int i = 10'000; i < 10'000 + many; ++i) files.write(top() + "/a/" + std::to_string(i) + "/_manifests/x");
  files.write(top() + "/a/_layers/x"); // after a page of names
  const Texts found = files.repositories();
  REQUIRE(found.size() == many + 1);
  CHECK(found.front() == "a l");
  CHECK(found.back() == "a/29999 m");
  CHECK(std::ranges::is_sorted(found.begin() + 1, found.end()));
}

TEST_CASE("a directory that cannot be read is passed over, or ends the walk") {
  Files files;
  files.write(top() + "/a/_layers/x");
  files.write(top() + "/b/_layers/x");
  files.dated.unreadable = {top() + "/a"};
  Texts passed;
  storage::Repositories tolerant(files.dated, [&](const std::string& path, const Error&) -> Result<> {
    passed.push_back(path);
    return {};
  });
  CHECK(tolerant.next().value()->path == top() + "/b");
  CHECK(passed == Texts{top() + "/a"});
  storage::Repositories strict(files.dated, [](const auto&, const Error& why) { return std::unexpected(why); });
  CHECK(strict.next().error().code == Code::not_permitted);
}

TEST_CASE("each kind is listed, and what cannot be one is passed over") {
  Files files;
  const model::RepositoryName app = name("team/app");
  const std::string hex = std::string(64, 'a'), longer = std::string(128, 'b');
  const auto sha256 = model::CanonicalDigest::parse("sha256:" + hex).value();
  const auto sha512 = model::Digest::parse("sha512:" + longer).value();
  const auto tarsum = model::Digest::parse_stored("tarsum.v1+sha256:" + hex).value();
  const auto id = model::ImageId::parse(hex).value();
  namespace paths = storage::paths;
  for (const auto& digest : {model::Digest(sha256), sha512, tarsum}) files.write(paths::layer_link(app, digest));
  files.write(paths::revision_link(app, sha256));
  files.write(paths::revision_link(app, sha512));
  files.write(paths::signature_link(app, sha256, sha256));
  files.write(paths::referrer(app, sha256, sha512) + "/link");
  files.write(paths::tag_current_link(app, tag("v1")));
  files.write(paths::blob_data(sha256));
  files.write(paths::blob_alias(sha512));
  files.write(paths::v1_image(id));
  files.write(paths::v1_upload(id, sha256));
  files.write(paths::v1_member(id, app));
  files.write(paths::v1_pushed(app, sha256));
  files.write(paths::uploads(app) + "/an-upload/startedat");
  // Another program's.
  files.write(paths::layers(app) + "/sha256/short/link");
  files.write(paths::layers(app) + "/md5/" + hex + "/link");
  files.write(paths::blobs() + "/bb/" + hex + "/data");
  files.write(paths::tags(app) + "/.hidden/current/link");

  CHECK(each(storage::each_layer, files, app) == Texts{sha256.str(), sha512.str(), tarsum.str()});
  CHECK(each(storage::each_revision, files, app) == Texts{sha256.str()});
  CHECK(each(storage::each_alias, files, app) == Texts{sha512.str()});
  CHECK(each(storage::each_signature, files, app, sha256) == Texts{sha256.str()});
  CHECK(each(storage::each_referrer, files, app) == Texts{sha256.str() + " " + sha512.str()});
  CHECK(each(storage::each_tag, files, app) == Texts{"v1"});
  CHECK(each(storage::each_blob, files) == Texts{sha256.str()});
  CHECK(each(storage::each_blob_alias, files) == Texts{sha512.str()});
  CHECK(each(storage::each_v1_image, files) == Texts{id.str()});
  CHECK(each(storage::each_v1_upload, files, id).size() == 1);
  CHECK(each(storage::each_v1_membership, files, id) == Texts{app.str()});
  CHECK(each(storage::each_v1_pushed, files, app) == Texts{sha256.str()});
  CHECK(each(storage::each_upload, files, paths::repository(app)).size() == 1);
  CHECK(each(storage::each_layer, files, name("not/there")).empty());
}

TEST_CASE("a callback's error ends a walk") {
  Files files;
  const model::RepositoryName app = name("app");
  files.write(storage::paths::tag_current_link(app, tag("a")));
  files.write(storage::paths::tag_current_link(app, tag("b")));
  int calls = 0;
  const auto done = storage::each_tag(files.dated, app, [&](const model::Tag&) -> Result<> {
    ++calls;
    return fail(Code::busy);
  });
  CHECK(done.error().code == Code::busy);
  CHECK(calls == 1);
}
