// A run of the policies over a store: what goes, what stays, and what is written down.
#include "storage/retention/retain.h"

#include <catch2/catch.hpp>

#include <map>
#include <set>

#include "unit/storage/fixture.h"

using namespace berth;
using namespace berth::test;
using model::media::oci_manifest;
using std::chrono::hours;
using storage::ImmutableTags;
using storage::Retained;
using storage::RetentionOptions;
using storage::RetentionPolicies;

namespace {

ImmutableTags rule(const std::string& repository, const std::string& tags) {
  return ImmutableTags::make({{"c.yml:1: x[0]", {repository}, {tags}, {}}}).value();
}

// Keeps two newest, and v*, in ci/**.
RetentionPolicies policies(std::size_t newest = 2) {
  return RetentionPolicies::make(
             {{"p", {"ci/**"}, {{"k", std::vector<std::string>{"v*"}, {}, {}, {}}, {"k", {}, newest, {}, {}}}, 1, {}}})
      .value();
}

struct Told final : storage::RetentionListener {
  std::set<std::string> kept, going, gone, stayed;
  std::vector<std::string> stops;
  std::function<void()> before_removal = [] {};

  void tag(const storage::Judged& judged) override {
    (judged.verdict.kept ? kept : going).insert(judged.repository.str() + ":" + judged.facts.tag.str());
    if (!judged.verdict.kept) std::exchange(before_removal, [] {})();
  }
  void stopped(const model::RepositoryName& name, std::size_t removed, std::size_t all) override {
    stops.push_back(name.str() + " " + std::to_string(removed) + "/" + std::to_string(all));
  }
  void removed(const storage::Removal& what) override { gone.insert(what.repository.str() + ":" + what.tag->str()); }
  void passed_by(const storage::Removal& what) override { stayed.insert(what.tag->str()); }
};

// Another driver's files, as if they were made when a test says.
class Dating final : public driver::StorageDriver {
public:
  explicit Dating(driver::StorageDriver& below) : below_(below) {}

  std::map<std::string, Time> dates;

  Result<driver::FileInfo> stat(const std::string& path) override {
    auto info = below_.stat(path);
    if (const auto found = dates.find(path); info && found != dates.end()) info->changed = found->second;
    return info;
  }
  Result<std::vector<driver::Entry>> list(const std::string& path, const std::string& after,
                                          std::size_t limit) override {
    return below_.list(path, after, limit);
  }
  Result<std::string> get_content(const std::string& path, std::size_t max_bytes) override {
    return below_.get_content(path, max_bytes);
  }
  Result<Content> open(const std::string& path) override { return below_.open(path); }
  Result<Location> locate(const std::string& path) override { return below_.locate(path); }
  Result<> put_scratch(const std::string& path, std::string_view bytes) override {
    return below_.put_scratch(path, bytes);
  }
  Result<> put(std::vector<driver::PutFile> files) override { return below_.put(std::move(files)); }
  Result<> remove(const std::string& path, driver::Durability durability) override {
    return below_.remove(path, durability);
  }
  Result<> discard(const std::string& directory) override { return below_.discard(directory); }
  Result<> settle(const std::string& directory) override { return below_.settle(directory); }

private:
  driver::StorageDriver& below_;
};

const Time first_push = parse_rfc3339("2024-05-06T12:00:00Z").value();

struct Store : Fixture {
  Dating dated{driver};
  Time pushed = first_push; // of the last tag; each is a minute later
  ImmutableTags immutable = rule("ci/a", "frozen"), guarded = rule("ci/a", "guarded");
  RetentionPolicies some = policies();
  const storage::PullTimes* pulls = nullptr;
  Told told;
  model::CanonicalDigest manifest = push("ci/a");

  model::CanonicalDigest push(const std::string& repo, const std::string& config = "{}") {
    const auto repository = this->repository(repo);
    REQUIRE(repository->blobs().put("application/json", config));
    return put(*repository, oci_manifest, image_of(digest_of(config))).value().digest;
  }
  void tag_all(const std::string& repo, const std::vector<std::string>& tags) {
    push(repo);
    for (const auto& each : tags) tag_it(repo, each, manifest);
  }
  void tag_it(const std::string& repo, const std::string& text, const model::CanonicalDigest& target) {
    REQUIRE(repository(repo)->tags().tag(tag(text), target));
    dated.dates[storage::paths::tag_current_link(name(repo), tag(text))] = pushed += std::chrono::minutes(1);
  }
  std::set<std::string> tags(const std::string& repo) {
    const auto page = repository(repo)->tags().list({}).value();
    return {page.entries.begin(), page.entries.end()};
  }
  // Two days after everything was pushed.
  static Time later() { return first_push + hours(48); }
  RetentionOptions options() const { return {.moment = {later(), {}}, .limit = 100}; }
  Retained run(const RetentionOptions& options) {
    const auto done = storage::retain({dated, locks, random, some, immutable, guarded, pulls}, options, told);
    REQUIRE(done);
    return *done;
  }
  std::vector<std::string> logged() {
    std::vector<std::string> lines;
    REQUIRE(storage::each_removal(driver, [&](const storage::Removal& each) -> Result<> {
      lines.push_back(each.repository.str() + ":" + each.tag->str() + " " + each.rule);
      return {};
    }));
    return lines;
  }
};

using Names = std::set<std::string>;

} // namespace

TEST_CASE("a run of retention removes the tags that nothing keeps, and writes them down") {
  Store store;
  store.tag_all("ci/a", {"guarded", "frozen", "one", "three", "two", "v1", "last"});
  store.tag_all("other/a", {"one", "two", "three"});
  const Retained done = store.run(store.options());
  CHECK(done.repositories == 1);
  CHECK(done.tags == 7);
  CHECK(done.removed == store.told.gone.size());
  CHECK(store.told.gone == store.told.going);
  CHECK(store.told.gone == Names{"ci/a:one", "ci/a:three", "ci/a:two"});
  CHECK(store.tags("ci/a") == Names{"frozen", "guarded", "last", "v1"});
  CHECK(store.tags("other/a").size() == 3);
  CHECK(store.repository("ci/a")->manifests().get(store.manifest)); // tags alone
  const auto lines = store.logged();
  REQUIRE(lines.size() == done.removed);
  CHECK(lines.front().contains(" policies[0]: no entry keeps it; keep[1]: number "));

  CHECK(store.run(store.options()).removed == 0); // the same again
}

TEST_CASE("a dry run of retention says what a run does, and does nothing") {
  Store store;
  store.tag_all("ci/a", {"one", "three", "two", "four"});
  auto options = store.options();
  options.dry_run = true;
  const Retained dry = store.run(options);
  CHECK(dry.removed == 0);
  CHECK(dry.to_go == 2);
  CHECK(store.tags("ci/a").size() == 4);
  CHECK(store.logged().empty());
  const Names going = std::exchange(store.told.going, {});
  CHECK(store.run(store.options()).removed == 2);
  CHECK(store.told.going == going);
}

TEST_CASE("a run of retention that would remove too much of a repository removes nothing there") {
  Store store;
  store.tag_all("ci/a", {"a", "b", "c", "d", "e"});
  store.tag_all("ci/b", {"a", "b", "c", "d"});
  auto options = store.options();
  options.limit = 50;
  CHECK(store.run(options).stopped == 1);
  CHECK(store.told.stops == std::vector<std::string>{"ci/a 3/5"});
  CHECK(store.tags("ci/a").size() == 5);
  CHECK(store.tags("ci/b").size() == 2);
  options.force = true;
  CHECK(store.run(options).removed == 3);
}

TEST_CASE("tags of artifacts make the limit no wider") {
  Store store;
  store.some = policies(1);
  const std::string artifact = "sha256-" + std::string(store.manifest.hex());
  store.tag_all("ci/a", {"a", "b", "c", artifact + ".sig", artifact + ".att", artifact});
  auto options = store.options();
  options.limit = 50;
  CHECK(store.run(options).stopped == 1);
  CHECK(store.told.stops == std::vector<std::string>{"ci/a 2/3"});
}

TEST_CASE("a tag that was pushed since it was judged stays") {
  Store store;
  store.some = policies(1);
  store.tag_all("ci/a", {"a", "b", "z"});
  store.told.before_removal = [&] {
    const auto other = store.push("ci/a", "{\"other\":1}");
    // Within one tick of a clock: the target tells.
    for (const auto* text : {"a", "b", "z"}) REQUIRE(store.repository("ci/a")->tags().tag(tag(text), other));
  };
  CHECK(store.run(store.options()).removed == 0);
  CHECK(store.told.stayed.size() == 2);
  CHECK(store.tags("ci/a").size() == 3);
  CHECK(store.logged().empty());
}

TEST_CASE("pushing the same image again is a push, and the tag stays") {
  Store store;
  store.some = policies(1);
  store.tag_all("ci/a", {"a", "b"});
  store.told.before_removal = [&] { store.tag_all("ci/a", {"a", "b"}); };
  CHECK(store.run(store.options()).removed == 0);
  CHECK(store.tags("ci/a").size() == 2);
}

TEST_CASE("tagging writes the tag's file also if it says the same already") {
  Store store;
  if (store.store.has_objects()) return; // the test's objects have no time, and the same version for the same bytes
  store.tag_all("ci/a", {"a"});
  const std::string link = storage::paths::tag_current_link(name("ci/a"), tag("a"));
  const auto before = store.driver.stat(link)->version;
  store.tag_all("ci/a", {"a"});
  CHECK(store.driver.stat(link)->version != before);
}

TEST_CASE("one tag, or some repositories, can be asked about alone") {
  Store store;
  store.some = policies(1);
  store.tag_all("ci/a", {"a", "b", "c", "d"});
  store.tag_all("ci/b", {"a", "b"});
  auto options = store.options();
  options.repository = model::RepositoryPattern::parse("ci/a").value();
  options.tag = tag("v9");
  CHECK(store.run(options).tags == 0);
  options.tag = tag(*store.tags("ci/a").begin());
  const Retained done = store.run(options);
  CHECK(done.tags == 1);
  CHECK(done.repositories == 1);
  CHECK(store.tags("ci/b").size() == 2);
}

TEST_CASE("a signature's tag stays while its image is there, parked too, and is judged by age after it") {
  Store store;
  const auto image = store.push("ci/a", "{\"image\":1}");
  const std::string signature = "sha256-" + std::string(image.hex()) + ".sig";
  store.tag_all("ci/a", {"v1", "v2", signature});
  store.some =
      RetentionPolicies::make(
          {{"p", {"**"}, {{"k", std::vector<std::string>{"v*"}, {}, {}, {}}}, 1, std::chrono::nanoseconds(hours(24))}})
          .value();
  CHECK(store.run(store.options()).removed == 0);
  REQUIRE(store.repository("ci/a")->manifests().remove(image));
  CHECK(store.run(store.options()).removed == 1);
  CHECK(store.tags("ci/a") == Names{"v1", "v2"});
}

TEST_CASE("a pull by tag, by digest, or of what an index lists, keeps the tag") {
  Store store;
  const auto other = store.push("ci/a", "{\"other\":1}"), third = store.push("ci/a", "{\"third\":1}");
  const auto repository = store.repository("ci/a");
  const auto index = put(*repository, model::media::oci_index, index_of(describe(third))).value().digest;
  store.tag_all("ci/a", {"by-tag", "never"});
  store.tag_it("ci/a", "by-digest", other);
  store.tag_it("ci/a", "by-child", index);
  store.some =
      RetentionPolicies::make({{"p", {"**"}, {{"k", {}, {}, {}, std::chrono::nanoseconds(hours(24))}}, 0, {}}}).value();
  const Time recently = Store::later() - hours(5);
  REQUIRE(storage::begin_pulls(store.driver, Store::later() - hours(40)));
  REQUIRE(storage::write_pulls(store.driver, store.random, recently,
                               {{"ci/a by-tag", storage::pull_hour(recently)},
                                {"ci/a " + other.str(), storage::pull_hour(recently)},
                                {"ci/a " + third.str(), storage::pull_hour(recently)},
                                {"ci/b never", storage::pull_hour(recently)}}));
  const auto times = storage::PullTimes::load(store.driver).value();
  store.pulls = &times;
  auto options = store.options();
  CHECK(store.run(options).removed == 0); // nobody says since when they are written down
  options.moment.pulls_since = times.since();
  CHECK(store.run(options).removed == 1);
  CHECK(store.tags("ci/a") == Names{"by-child", "by-digest", "by-tag"});
}

TEST_CASE("a damaged tag is judged by nobody") {
  Store store;
  store.some = policies(1);
  store.tag_all("ci/a", {"a", "b", "v1"});
  REQUIRE(store.driver.put_scratch(storage::paths::tag_current_link(name("ci/a"), tag("a")), "rubbish"));
  CHECK(store.run(store.options()).tags == 2);
  CHECK(store.tags("ci/a").contains("a"));
}
