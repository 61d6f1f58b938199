// judge_tags(): which tags of a repository a policy keeps, and why. Pure: what is decided follows from what is passed.
// Spec: docs/operations.md, "Retention"; docs/decisions/0048-retention-keeps.md
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "model/digest.h"
#include "model/names.h"
#include "storage/retention/policies.h"

namespace berth::storage {

// What is known of a tag.
struct TagFacts {
  enum class Spared { no, immutable, by_protection };

  model::Tag tag;
  model::CanonicalDigest digest; // what it points to
  std::optional<Time> pushed;    // last, by the clock of the store; absent: nobody can tell, and so it stays
  std::optional<Time> pulled;    // last; absent: not since pulls are recorded
  Spared spared = Spared::no;
  bool subject_is_there = true; // of the tag of an artifact: the manifest that it is about
};

// The same for all tags of a run.
struct Moment {
  Time now;
  std::optional<Time> pulls_since; // when recording them began; absent: they are not recorded, and none counts as old
};

struct Verdict {
  bool kept = true;
  std::string why; // in words, with what keeps it, or why nothing does
};

// What was pushed within this time stays, whatever the policy says: it may be on its way to where it is needed.
inline constexpr std::chrono::hours always_kept{1};

// The verdicts in the order of the tags. A tag stays if an entry of the policy keeps it, if it is among the `minimum`
// newest, spared, or just pushed. Newest is what was pushed last, then what comes later in byte order.
// Tags of artifacts (subject_of) are not counted and not judged by entries: they stay as long as what they are about,
// and then for as long as an untagged manifest does.
std::vector<Verdict> judge_tags(const RetentionPolicy& policy, std::span<const TagFacts> tags, const Moment& moment);

// What the tag of an artifact is about: of cosign's `sha256-<hex>.sig`, `.att`, `.sbom`, and of `sha256-<hex>`, under
// which clients list referrers. Nothing: the tag is one of an image.
std::optional<model::CanonicalDigest> subject_of(const model::Tag& tag);

// Whether to remove so many of a repository's tags is more than a policy may, at `percent` of them.
inline bool is_beyond_limit(std::size_t removed, std::size_t all, unsigned percent) {
  return removed * 100 > all * percent;
}

} // namespace berth::storage
