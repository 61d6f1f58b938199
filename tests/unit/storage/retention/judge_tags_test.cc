// Which tags a policy keeps, and why.
#include "storage/retention/judge_tags.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <map>
#include <random>

#include "model/glob.h"
#include "unit/storage/fixture.h"

using namespace berth;
using namespace berth::test;
using std::chrono::hours;
using std::chrono::minutes;
using storage::KeepEntry;
using storage::Moment;
using storage::RetentionPolicy;
using storage::TagFacts;

namespace {

const Time now = parse_rfc3339("2024-06-01T00:00:00Z").value();
const std::string hex(64, 'a');

TagFacts fact(const std::string& text, std::chrono::nanoseconds pushed_ago) {
  return {tag(text), digest_of(text), now - pushed_ago, {}, TagFacts::Spared::no, true};
}

KeepEntry entry(std::optional<std::vector<std::string>> tags, std::optional<std::size_t> newest = {},
                std::optional<std::chrono::nanoseconds> pushed = {},
                std::optional<std::chrono::nanoseconds> pulled = {}) {
  return {"", std::move(tags), newest, pushed, pulled};
}

RetentionPolicy policy(std::vector<KeepEntry> keep, std::size_t minimum = 0) {
  RetentionPolicy made;
  made.keep = std::move(keep);
  made.minimum = minimum;
  return made;
}

// What each tag's fate is: "+ why" if it is kept, "- why" if not.
std::map<std::string, std::string> fates(const RetentionPolicy& policy, const std::vector<TagFacts>& tags,
                                         Moment moment = {now, {}}) {
  const auto verdicts = judge_tags(policy, tags, moment);
  REQUIRE(verdicts.size() == tags.size());
  std::map<std::string, std::string> all;
  for (std::size_t i = 0; i < tags.size(); ++i)
    all[tags[i].tag.str()] = (verdicts[i].kept ? "+ " : "- ") + verdicts[i].why;
  return all;
}

std::string fate(const RetentionPolicy& policy, const TagFacts& facts, Moment moment = {now, {}}) {
  return fates(policy, {facts}, moment).begin()->second;
}

} // namespace

TEST_CASE("a tag stays if an entry keeps it, and the reason names it") {
  const auto some = policy({entry({{"v*", "latest"}}), entry({{"dev-*"}}, 2, hours(100))});
  const auto all = fates(some, {fact("v1", hours(9000)), fact("latest", hours(9000)), fact("dev-a", hours(5)),
                                fact("dev-b", hours(200)), fact("dev-c", hours(6)), fact("dev-d", hours(7)),
                                fact("rev1", hours(9))});
  CHECK(all.at("v1") == "+ keep[0]");
  CHECK(all.at("latest") == "+ keep[0]");
  CHECK(all.at("dev-a") == "+ keep[1] (newest 1 of 2, pushed 5h ago, within 100h)");
  CHECK(all.at("dev-c") == "+ keep[1] (newest 2 of 2, pushed 6h ago, within 100h)");
  CHECK(all.at("dev-d") == "- no entry keeps it; keep[1]: number 3 of the newest, not of 2");
  CHECK(all.at("dev-b") ==
        "- no entry keeps it; keep[1]: number 4 of the newest, not of 2, pushed 200h ago, not within 100h");
  CHECK(all.at("rev1") == "- no entry keeps it"); // globs are anchored
}

TEST_CASE("of tags that were pushed at once the later name is the newer one") {
  const auto all = fates(policy({entry({}, 2)}), {fact("a", hours(2)), fact("c", hours(2)), fact("b", hours(2))});
  CHECK(all.at("c") == "+ keep[0] (newest 1 of 2)");
  CHECK(all.at("b") == "+ keep[0] (newest 2 of 2)");
  CHECK(all.at("a").starts_with("- "));
}

TEST_CASE("the minimum stays whatever the entries say") {
  const auto all =
      fates(policy({entry({{"v*"}})}, 2), {fact("a", hours(3)), fact("b", hours(2)), fact("v1", hours(9))});
  CHECK(all.at("b") == "+ minimum (newest 1 of 2)");
  CHECK(all.at("a") == "+ minimum (newest 2 of 2)");
  CHECK(fate(policy({entry({{"v*"}})}, 5), fact("a", hours(3))) == "+ minimum (newest 1 of 5)");
}

TEST_CASE("what was just pushed stays, and so does what nobody knows the age of") {
  const auto none = policy({entry({{"nothing"}})});
  CHECK(fate(none, fact("a", minutes(59))) == "+ pushed 59m ago");
  CHECK(fate(none, fact("a", minutes(60))).starts_with("- "));
  CHECK(fate(none, fact("a", -hours(2))) == "+ pushed 0m ago"); // a clock that went back
  TagFacts unknown = fact("a", hours(9));
  unknown.pushed = std::nullopt;
  CHECK(fate(none, unknown) == "+ nobody knows when it was pushed");
  CHECK(fate(policy({entry({}, {}, hours(2))}), unknown) == "+ keep[0] (pushed nobody knows when)");
}

TEST_CASE("immutable and protected tags stay, and count among the newest") {
  TagFacts immutable = fact("a", hours(2)), guarded = fact("b", hours(3));
  immutable.spared = TagFacts::Spared::immutable;
  guarded.spared = TagFacts::Spared::by_protection;
  const auto all = fates(policy({entry({}, 1)}), {immutable, guarded, fact("c", hours(4))});
  CHECK(all.at("a") == "+ keep[0] (newest 1 of 1)");
  CHECK(all.at("b") == "+ it is protected");
  CHECK(all.at("c") == "- no entry keeps it; keep[0]: number 3 of the newest, not of 1");
}

TEST_CASE("pulls keep, pushes count as pulls, and what came before the record of them is not held against a tag") {
  const auto pulled = policy({entry({}, {}, {}, hours(720))});
  TagFacts old = fact("a", hours(5000));
  CHECK(fate(pulled, old) == "+ keep[0] (pulled nobody knows when)"); // not recorded
  CHECK(fate(pulled, old, {now, now - hours(700)}) == "+ keep[0] (pulled 700h ago, within 720h)");
  CHECK(fate(pulled, old, {now, now - hours(800)}) == "- no entry keeps it; keep[0]: pulled 800h ago, not within 720h");
  old.pulled = now - hours(3);
  CHECK(fate(pulled, old, {now, now - hours(800)}) == "+ keep[0] (pulled 3h ago, within 720h)");
  CHECK(fate(pulled, fact("a", hours(10)), {now, now - hours(800)}) == "+ keep[0] (pulled 10h ago, within 720h)");
}

TEST_CASE("tags of artifacts are not counted, and follow what they are about") {
  CHECK(storage::subject_of(tag("sha256-" + hex)).value().hex() == hex);
  CHECK(storage::subject_of(tag("sha256-" + hex + ".sig")).value().hex() == hex);
  CHECK(storage::subject_of(tag("sha256-" + hex + ".sbom")));
  for (const auto& text : {"sha256-" + hex + "x", "sha256-" + hex.substr(1), std::string("sha256-x.sig"),
                           "sha512-" + hex, "sha256-" + std::string(64, 'A')})
    CHECK_FALSE(storage::subject_of(tag(text)));

  TagFacts signature = fact("sha256-" + hex + ".sig", hours(2)), lost = fact("sha256-" + hex + ".att", hours(30));
  lost.subject_is_there = false;
  auto one = policy({entry({}, 1)}, 1);
  auto all = fates(one, {signature, lost, fact("v1", hours(50))});
  CHECK(all.at("v1").starts_with("+ keep[0] (newest 1 of 1)"));
  CHECK(all.at(signature.tag.str()) == "+ it is about sha256:" + hex);
  CHECK(all.at(lost.tag.str()).starts_with("+ ")); // what is untagged stays
  one.untagged = hours(24);
  CHECK(fate(one, lost) == "- it is about sha256:" + hex + ", which is gone; pushed 30h ago");
  one.untagged = hours(48);
  CHECK(fate(one, lost).starts_with("+ "));
}

TEST_CASE("the limit is a share of all") {
  CHECK_FALSE(storage::is_beyond_limit(5, 10, 50));
  CHECK(storage::is_beyond_limit(6, 10, 50));
  CHECK_FALSE(storage::is_beyond_limit(10, 10, 100));
  CHECK_FALSE(storage::is_beyond_limit(0, 0, 1));
  CHECK(storage::is_beyond_limit(1, 99, 1));
  CHECK_FALSE(storage::is_beyond_limit(1, 100, 1));
}

namespace {

// The same by the words of the documentation, in the plainest way.
bool keeps(const KeepEntry& entry, const std::vector<TagFacts>& tags, const TagFacts& one, const Moment& moment) {
  const auto fits = [&](const TagFacts& each) {
    return !entry.tags || std::ranges::any_of(
                              *entry.tags, [&](const auto& glob) { return model::matches_glob(glob, each.tag.str()); });
  };
  if (!fits(one)) return false;
  const auto newer = std::ranges::count_if(tags, [&](const TagFacts& other) {
    return !storage::subject_of(other.tag) && fits(other) &&
           std::pair(*other.pushed, other.tag.str()) > std::pair(*one.pushed, one.tag.str());
  });
  if (entry.newest && newer >= static_cast<std::ptrdiff_t>(*entry.newest)) return false;
  if (entry.pushed && moment.now - *one.pushed > *entry.pushed) return false;
  const Time used = std::max({*one.pushed, *moment.pulls_since, one.pulled.value_or(Time{})});
  return !entry.pulled || moment.now - used <= *entry.pulled;
}

} // namespace

TEST_CASE("whatever the policy and the tags, a tag goes if and only if no entry keeps it and nothing spares it") {
  std::mt19937 random(20240601); // NOLINT: the same each time
  const auto any = [&](int count) { return std::uniform_int_distribution<int>(0, count - 1)(random); };
  const std::vector<std::string> globs{"*", "v*", "dev-*", "*1", "v1", "sha256-*"};
  for (int round = 0; round < 400; ++round) {
    RetentionPolicy some = policy({}, static_cast<std::size_t>(any(4)));
    for (int i = any(4); i >= 0; --i) {
      KeepEntry& made = some.keep.emplace_back(entry({}));
      if (any(2) == 0) made.tags = {{globs[any(6)], globs[any(6)]}};
      if (any(2) == 0) made.newest = 1 + any(5);
      if (any(2) == 0) made.pushed = hours(1 + any(60));
      if (any(3) == 0) made.pulled = hours(1 + any(60));
    }
    std::map<std::string, TagFacts> unique;
    for (int i = any(20); i >= 0; --i) {
      const std::string text = (any(2) == 0 ? "v" : "dev-") + std::to_string(any(20));
      TagFacts made = fact(any(8) == 0 ? "sha256-" + std::string(63, 'b') + std::to_string(any(10)) + ".sig" : text,
                           minutes(61 + 60 * any(70)));
      if (any(3) == 0) made.pulled = now - hours(any(70));
      if (any(9) == 0) made.spared = TagFacts::Spared::by_protection;
      unique.insert_or_assign(made.tag.str(), made);
    }
    std::vector<TagFacts> tags;
    for (const auto& [text, facts] : unique) tags.push_back(facts);
    const Moment moment{now, now - hours(50)};
    const auto verdicts = judge_tags(some, tags, moment);
    std::size_t images = 0, kept_images = 0;
    for (std::size_t i = 0; i < tags.size(); ++i) {
      if (storage::subject_of(tags[i].tag)) {
        CHECK(verdicts[i].kept);
        continue;
      }
      ++images;
      kept_images += verdicts[i].kept ? 1 : 0;
      const auto newer = std::ranges::count_if(tags, [&](const TagFacts& other) {
        return !storage::subject_of(other.tag) &&
               std::pair(*other.pushed, other.tag.str()) > std::pair(*tags[i].pushed, tags[i].tag.str());
      });
      const bool in_minimum = static_cast<std::size_t>(newer) < some.minimum;
      const bool by_entry =
          std::ranges::any_of(some.keep, [&](const KeepEntry& each) { return keeps(each, tags, tags[i], moment); });
      CAPTURE(round, tags[i].tag.str(), verdicts[i].why);
      CHECK(verdicts[i].kept == (by_entry || in_minimum || tags[i].spared != TagFacts::Spared::no));
    }
    CHECK(kept_images >= std::min(images, some.minimum));
    std::ranges::shuffle(tags, random); // the order in which they come says nothing
    const auto again = judge_tags(some, tags, moment);
    CHECK(std::ranges::count(again, true, &storage::Verdict::kept) ==
          std::ranges::count(verdicts, true, &storage::Verdict::kept));
  }
}
