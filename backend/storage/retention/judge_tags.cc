#include "storage/retention/judge_tags.h"

#include <algorithm>

#include "storage/manifests/tag_rules.h"

namespace berth::storage {
namespace {

using std::chrono::nanoseconds;

// In the unit that configs have: "26h", "40m".
std::string text_of(nanoseconds time) {
  const auto minutes = std::chrono::floor<std::chrono::minutes>(std::max(time, nanoseconds(0))).count();
  return minutes >= 60 ? std::to_string(minutes / 60) + "h" : std::to_string(minutes) + "m";
}

void add(std::string& list, const std::string& text) { list += (list.empty() ? "" : ", ") + text; }

class Judge {
public:
  Judge(const RetentionPolicy& policy, std::span<const TagFacts> tags, const Moment& moment)
      : policy_(policy), tags_(tags), moment_(moment), found_(tags.size()) {
    for (std::size_t i = 0; i < tags.size(); ++i)
      if (!subject_of(tags[i].tag)) images_.push_back(i);
    std::ranges::sort(images_, [&](std::size_t a, std::size_t b) { return is_newer(tags[a], tags[b]); });
  }

  std::vector<Verdict> run() {
    for (std::size_t number = 0; number < policy_.keep.size(); ++number) ask(number);
    std::vector<Verdict> verdicts(tags_.size());
    for (std::size_t i = 0; i < tags_.size(); ++i)
      verdicts[i] = subject_of(tags_[i].tag) ? of_artifact(tags_[i]) : of_image(i);
    keep_newest(verdicts);
    return verdicts;
  }

private:
  struct Found {
    std::string keeps; // the entry that keeps it, the first one
    std::string misses;
  };

  static bool is_newer(const TagFacts& a, const TagFacts& b) {
    if (a.pushed == b.pushed) return a.tag > b.tag;
    return !a.pushed || (b.pushed && *a.pushed > *b.pushed);
  }

  // Asks an entry about all tags that it is for.
  void ask(std::size_t number) {
    const KeepEntry& entry = policy_.keep[number];
    std::size_t rank = 0;
    for (const std::size_t i : images_) {
      if (entry.tags && !any_fits(*entry.tags, tags_[i].tag)) continue;
      std::string meets, misses;
      if (entry.newest) {
        const std::string place = "newest " + std::to_string(rank + 1) + " of " + std::to_string(*entry.newest);
        add(rank < *entry.newest ? meets : misses,
            rank < *entry.newest
                ? place
                : "number " + std::to_string(rank + 1) + " of the newest, not of " + std::to_string(*entry.newest));
      }
      ++rank;
      if (entry.pushed) compare("pushed", tags_[i].pushed, *entry.pushed, meets, misses);
      if (entry.pulled) compare("pulled", used(tags_[i]), *entry.pulled, meets, misses);
      note(number, found_[i], meets, misses);
    }
  }

  void note(std::size_t number, Found& found, const std::string& meets, const std::string& misses) const {
    const std::string name = "keep[" + std::to_string(number) + "]";
    if (!misses.empty())
      found.misses += "; " + name + ": " + misses;
    else if (found.keeps.empty())
      found.keeps = meets.empty() ? name : name + " (" + meets + ")";
  }

  void compare(const std::string& what, const std::optional<Time>& when, nanoseconds within, std::string& meets,
               std::string& misses) const {
    if (!when) return add(meets, what + " nobody knows when");
    const nanoseconds age = moment_.now - *when;
    const bool is_met = age <= within;
    add(is_met ? meets : misses,
        what + " " + text_of(age) + " ago, " + (is_met ? "within " : "not within ") + text_of(within));
  }

  // When it was used last: a push is a use, and what was not pulled since pulls are recorded may have been, just
  // before.
  std::optional<Time> used(const TagFacts& tag) const {
    if (!moment_.pulls_since || !tag.pushed) return std::nullopt;
    return std::max({*tag.pushed, *moment_.pulls_since, tag.pulled.value_or(*moment_.pulls_since)});
  }

  // What no policy overrules.
  static std::optional<Verdict> spared(const TagFacts& tag, const Moment& moment) {
    if (tag.spared == TagFacts::Spared::immutable) return Verdict{true, "it is immutable"};
    if (tag.spared == TagFacts::Spared::by_protection) return Verdict{true, "it is protected"};
    if (!tag.pushed) return Verdict{true, "nobody knows when it was pushed"};
    if (moment.now - *tag.pushed < always_kept)
      return Verdict{true, "pushed " + text_of(moment.now - *tag.pushed) + " ago"};
    return std::nullopt;
  }

  Verdict of_image(std::size_t i) const {
    if (!found_[i].keeps.empty()) return {true, found_[i].keeps};
    if (auto verdict = spared(tags_[i], moment_)) return *std::move(verdict);
    return {false, "no entry keeps it" + found_[i].misses};
  }

  Verdict of_artifact(const TagFacts& tag) const {
    if (auto verdict = spared(tag, moment_)) return *std::move(verdict);
    const std::string about = "it is about " + subject_of(tag.tag)->str();
    if (tag.subject_is_there) return {true, about};
    if (!policy_.untagged) return {true, about + ", which is gone; what is untagged stays here"};
    const nanoseconds age = moment_.now - *tag.pushed;
    return {age <= *policy_.untagged, about + ", which is gone; pushed " + text_of(age) + " ago"};
  }

  void keep_newest(std::vector<Verdict>& verdicts) const {
    for (std::size_t rank = 0; rank < std::min(policy_.minimum, images_.size()); ++rank)
      if (Verdict& verdict = verdicts[images_[rank]]; !verdict.kept)
        verdict = {true,
                   "minimum (newest " + std::to_string(rank + 1) + " of " + std::to_string(policy_.minimum) + ")"};
  }

  const RetentionPolicy& policy_;
  const std::span<const TagFacts> tags_;
  const Moment& moment_;
  std::vector<std::size_t> images_; // tags of images, newest first
  std::vector<Found> found_;        // by tag
};

} // namespace

std::vector<Verdict> judge_tags(const RetentionPolicy& policy, std::span<const TagFacts> tags, const Moment& moment) {
  return Judge(policy, tags, moment).run();
}

std::optional<model::CanonicalDigest> subject_of(const model::Tag& tag) {
  constexpr std::string_view prefix = "sha256-";
  constexpr std::size_t hex_digits = 64;
  std::string_view text = tag.str();
  if (!text.starts_with(prefix)) return std::nullopt;
  text.remove_prefix(prefix.size());
  const std::string_view hex = text.substr(0, hex_digits), rest = text.substr(hex.size());
  if (!rest.empty() && !rest.starts_with('.')) return std::nullopt;
  auto subject = model::CanonicalDigest::parse("sha256:" + std::string(hex));
  if (!subject) return std::nullopt;
  return *std::move(subject);
}

} // namespace berth::storage
