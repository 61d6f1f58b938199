#include "unit/storage/collect/model.h"

#include <algorithm>

namespace berth::test::model {
namespace {

constexpr std::uint8_t safety = 1, grace = 2; // in ticks

using storage::Step;

// The tick as a span of time, long enough that `young` is no more than the grace.
constexpr storage::Duration tick_time = std::chrono::hours(1);
Time at_age(std::uint8_t age) { return Time(std::chrono::hours(1000)) - age * tick_time; }

void change(State& state) { state.changed = 0; }

} // namespace

void State::settle() {
  if (run == Run::idle) began = 0, live = false;
  if (run != Run::looks_parked) saw_place = false, saw_changed = 0;
  const auto cap = static_cast<std::uint8_t>(began + old); // ages are compared with that of the mark
  changed = std::min(changed, cap);
  saw_changed = std::min(saw_changed, cap);
  for (std::size_t i = 0; i < at.size(); ++i)
    if (at[i] != At::names && at[i] != At::drops) found[i] = 0;
}

std::string State::key() const {
  std::string text;
  const auto add = [&](auto value) { text.push_back(static_cast<char>(value)); };
  add(in_place), add(parked), add(changed), add(named[0]), add(named[1]);
  for (const At one : at) add(one);
  for (const std::uint8_t one : found) add(one);
  add(run), add(runs), add(began), add(live), add(saw_place), add(saw_changed);
  return text;
}

void Model::operation(std::size_t which, const State& state, const Next& next) const {
  const auto [kind, repository] = operations_[which];
  State after = state;
  At& at = after.at[which];
  const auto found = [&] { at = At::names, after.found[which] = 0; };
  switch (state.at[which]) {
  case At::before:
    if (kind == Kind::remove) {
      at = At::done;
      after.named[repository] = false;
      return next("removes", after);
    }
    if (state.in_place)
      found();
    else if (kind == Kind::put)
      at = At::writes;
    else
      at = broken_ == Broken::readers_do_not_look ? At::done : At::looks_aside;
    return next("looks into the place", after);
  case At::looks_aside:
    at = state.parked ? At::brings_back : At::looks_again;
    return next("looks for the parked", after);
  case At::brings_back:
    if (!state.parked) {
      at = At::looks_again;
    } else {
      after.in_place = true;
      change(after);
      found();
      if (broken_ == Broken::operation_drops_parked) at = At::drops;
    }
    return next("brings back", after);
  case At::drops:
    if (state.parked) change(after);
    after.parked = false;
    at = At::names;
    return next("drops the parked name", after);
  case At::looks_again:
    if (state.in_place)
      found();
    else
      at = At::done; // it is refused
    return next("looks again", after);
  case At::writes:
    after.in_place = true;
    change(after);
    found();
    return next("writes", after);
  case At::names:
    after.named[repository] = true;
    at = At::done;
    return next("names", after);
  case At::done: return;
  }
}

// The step that the sweep takes, by what it saw of the place and sees of the parked name.
void Model::act(const State& state, bool parked, const Next& next) const {
  const storage::Rule rule{at_age(state.began),
                           broken_ == Broken::no_grace ? storage::Duration::zero() : grace * tick_time, false};
  const std::uint8_t changed = state.saw_place ? state.saw_changed : state.changed;
  const Step step = decide({state.saw_place, parked, state.live, at_age(changed)}, rule);
  State after = state;
  switch (step) {
  case Step::leave: after.run = Run::idle; break;
  case Step::park: after.run = broken_ == Broken::deletes_at_once ? Run::unparks : Run::parks; break;
  case Step::bring_back:
  case Step::drop: after.run = Run::restores; break;
  case Step::free: after.run = Run::drops; break;
  }
  next("looks for the parked, and decides", after);
}

void Model::collector(const State& state, const Next& next) const {
  State after = state;
  if (state.run != Run::idle) { // killed
    after.run = Run::idle;
    next("is killed", after);
    after = state;
  }
  const auto to = [&](Run run, const char* step) {
    after.run = run;
    next(step, after);
  };
  switch (state.run) {
  case Run::idle:
    if (state.runs == runs_) return;
    ++after.runs;
    after.began = 0;
    after.live = false;
    return to(Run::reads_first, "begins to mark");
  case Run::reads_first: after.live = state.named[0]; return to(Run::reads_second, "marks the first");
  case Run::reads_second: after.live |= state.named[1]; return to(Run::looks, "marks the second");
  case Run::looks:
    after.saw_place = state.in_place;
    after.saw_changed = state.changed;
    return to(Run::looks_parked, "looks into the place");
  case Run::looks_parked: return act(state, state.parked, next);
  case Run::parks:
    if (!state.in_place) return to(Run::idle, "finds nothing to park");
    if (!state.parked) change(after);
    after.parked = true;
    return to(Run::clears, "parks");
  case Run::clears:
  case Run::unparks:
    after.in_place = false;
    change(after);
    return to(Run::idle, "clears the place");
  case Run::restores:
    if (!state.in_place) change(after);
    after.in_place = true;
    return to(Run::drops, "restores");
  case Run::drops:
    if (state.parked) change(after);
    after.parked = false;
    return to(Run::idle, "takes the parked name away");
  }
}

void Model::tick(const State& state, const Next& next) const {
  if (state.run != Run::idle && state.began == State::old) return; // it has to end, or to be killed
  State after = state;
  for (std::size_t i = 0; i < operations_.size(); ++i) {
    if (state.at[i] != At::names && state.at[i] != At::drops) continue; // nothing found yet, or done
    if (state.found[i] >= safety) return;                               // it has to end first
    ++after.found[i];
  }
  ++after.changed, ++after.saw_changed, ++after.began;
  next("the clock ticks", after);
}

// A reader looks into both places.
bool Model::is_lost(const State& state) const {
  const bool readable = state.in_place || (state.parked && broken_ != Broken::readers_do_not_look);
  return !readable && (state.named[0] || state.named[1]);
}

std::optional<std::vector<std::string>> Model::search() {
  struct Visit {
    State state;
    std::size_t from;
    const char* step;
    std::size_t who; // an operation; or the collector, or the clock
  };
  std::vector<Visit> visits;
  seen_.clear();
  const auto enter = [&](const Visit& visit) {
    visits.push_back(visit);
    visits.back().state.settle();
    if (!seen_.insert(visits.back().state.key()).second) visits.pop_back();
  };
  enter({State(), 0, "begins", 0});
  std::size_t at = 0;
  while (at < visits.size() && !is_lost(visits[at].state)) {
    const State state = visits[at].state;
    const auto next_of = [&](std::size_t who) {
      return [&, who](const char* step, const State& after) { enter({after, at, step, who}); };
    };
    for (std::size_t i = 0; i < operations_.size(); ++i) operation(i, state, next_of(i));
    collector(state, next_of(operations_.size()));
    tick(state, next_of(operations_.size() + 1));
    ++at;
  }
  if (at == visits.size()) return std::nullopt;
  std::vector<std::string> steps;
  for (; at > 0; at = visits[at].from) {
    const std::size_t who = visits[at].who;
    const std::string name = who < operations_.size() ? "operation " + std::to_string(who) + " " : std::string();
    steps.push_back(name + (who == operations_.size() ? "the collector " : "") + visits[at].step);
  }
  std::ranges::reverse(steps);
  return steps;
}

} // namespace berth::test::model
