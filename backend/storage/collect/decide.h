// decide(): what a sweep does with a blob, or with a link, by what it sees of it. Pure: the sweep and the model of all
// interleavings (tests/unit/storage/collect/model_test.cc) use this very function.
// Spec: docs/decisions/0045-parked-before-freed.md
#pragma once

#include <algorithm>
#include <chrono>
#include <optional>

#include "base/clock.h"

namespace berth::storage {

using Duration = std::chrono::nanoseconds;

struct Seen {
  bool in_place = false; // under its own name, where everybody looks
  bool parked = false;   // under its name in quarantine
  bool live = false;     // by the mark of this run
  // When it was last pushed, parked or brought back, by the store's clock; absent: not known, and so never long ago.
  std::optional<Time> changed = {};
};

// The same for all of a run.
struct Rule {
  Time mark_began; // by the store's clock
  // How long it is parked before it is freed. Requires: longer than any operation takes from finding something to
  // naming it.
  Duration grace;
  bool now = false; // frees at once what was there when the mark began: only where nobody writes
};

enum class Step {
  leave,
  park,
  bring_back,
  drop, // the parked name of what is in its place
  free,
};

// What changed a moment ago is most likely named in a moment. Parking it would do no harm, but work.
inline constexpr Duration young = std::chrono::hours(1);

inline Step decide(const Seen& seen, const Rule& rule) {
  const auto is_unchanged_for = [&](Duration time) { return seen.changed && *seen.changed + time <= rule.mark_began; };
  if (seen.live) {
    if (!seen.parked) return Step::leave;
    return seen.in_place ? Step::drop : Step::bring_back;
  }
  if (!seen.in_place && !seen.parked) return Step::leave;
  if (rule.now) return is_unchanged_for(Duration::zero()) ? Step::free : Step::leave;
  // Where it has both names, somebody has brought it back since it was parked.
  if (seen.in_place) return is_unchanged_for(std::min(young, rule.grace)) ? Step::park : Step::leave;
  return is_unchanged_for(rule.grace) ? Step::free : Step::leave;
}

} // namespace berth::storage
