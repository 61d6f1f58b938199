// A store of objects whose every request fails once: what was acknowledged is there, what failed can be tried again,
// and no half of anything is ever seen.
#include <catch2/catch.hpp>

#include "contract/object_store.h"
#include "unit/storage/fixture.h"

using namespace berth;
using namespace berth::test;
using registry::Comes;

namespace {

struct Store {
  ObjectStore objects;
  ObjectDriver driver{objects};
  SystemClock clock;
  SystemRandom random;
  NullLogger logger;
  driver::MemoryLocks locks;
  storage::ObjectUploads uploads{driver, clock, random};
  storage::Registry registry{
      {driver, locks, uploads, nullptr, storage::ManifestRules::make({}).value(), random, logger}};
  std::unique_ptr<registry::Repository> repository = registry.repository(name("a/b"));
};

// What a client does: a step that failed it tries once more, from where it was; an upload that is gone it begins again.
class Client {
public:
  explicit Client(Store& store) : store_(store) {}

  bool push_whole(const std::string& bytes) {
    return twice([&] { return begin()->commit(Content::of(bytes), digest_of(bytes)).has_value(); });
  }
  bool push(const std::vector<std::string>& chunks, Comes comes) {
    return twice([&] { return push_once(chunks, comes); });
  }
  bool push_image(const std::string& config) {
    const auto put_once = [&] {
      return put(*store_.repository, model::media::oci_manifest, image_of(digest_of(config)));
    };
    const auto manifest = digest_of(image_of(digest_of(config)));
    return twice([&] { return put_once().has_value(); }) &&
           twice([&] { return store_.repository->tags().tag(tag("v1"), manifest).has_value(); });
  }

private:
  static bool twice(const std::function<bool()>& step) { return step() || step(); }

  std::unique_ptr<registry::BlobWriter> begin() {
    return std::get<std::unique_ptr<registry::BlobWriter>>(store_.repository->blobs().create(std::nullopt).value());
  }
  bool push_once(const std::vector<std::string>& chunks, Comes comes) {
    auto writer = begin();
    std::string all;
    for (const std::string& chunk : chunks) {
      all += chunk;
      const auto state = writer->progress().state;
      const auto append = [&] {
        writer = store_.repository->blobs().resume(writer->id(), state).value();
        return writer->append(Content::of(chunk), comes).has_value();
      };
      if (!twice(append)) return false;
    }
    return twice([&] { return writer->commit(Content(), digest_of(all)).has_value(); });
  }

  Store& store_;
};

// No blob but what its name says, and no link to a blob that is not there.
void check_whole(Store& store) {
  const auto objects = store.objects.objects();
  for (const auto& [key, bytes] : objects) {
    CAPTURE(key);
    if (key.starts_with("docker/registry/v2/blobs/"))
      CHECK(key.find(digest_of(bytes).hex()) != std::string::npos);
    else if (key.ends_with("/link"))
      CHECK(objects.contains(storage::paths::blob_data(model::CanonicalDigest::parse(bytes).value()).substr(1)));
  }
}

} // namespace

TEST_CASE("each request of a push fails once: the client tries again, and has what it pushed") {
  const Fault fault = GENERATE(Fault::refused, Fault::reply_lost);
  for (int call = 1;; ++call) {
    CAPTURE(call, fault == Fault::refused);
    Store store;
    Client client(store);
    store.objects.fail_call(call, fault);
    CHECK(client.push_whole("{}"));
    check_whole(store);
    CHECK(client.push({"a layer in one piece"}, Comes::whole));
    check_whole(store);
    CHECK(client.push({"a layer ", "in ", "pieces"}, Comes::in_chunks));
    check_whole(store);
    CHECK(client.push_image("{}"));
    check_whole(store);
    const bool all_came = store.objects.bill().calls() < call;
    store.objects.fail_call(0, fault);
    for (const std::string bytes : {"{}", "a layer in one piece", "a layer in pieces"})
      CHECK(store.repository->blobs().get(digest_of(bytes), 100).value() == bytes);
    const auto tagged = store.repository->tags().get(tag("v1"));
    REQUIRE(tagged);
    CHECK(store.repository->manifests().get(*tagged)->bytes == image_of(digest_of("{}")));
    if (all_came) return;
  }
}

TEST_CASE("a store that is slow is waited for") {
  Store store;
  store.objects.delay(std::chrono::milliseconds(1));
  Client client(store);
  const auto begun = std::chrono::steady_clock::now();
  CHECK(client.push({"a ", "layer"}, Comes::in_chunks));
  CHECK(std::chrono::steady_clock::now() - begun >= std::chrono::milliseconds(store.objects.bill().calls()));
}
