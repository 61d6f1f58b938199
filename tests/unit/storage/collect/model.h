// A model of collecting while a registry is in use: one blob, two repositories, operations, a collector that may be
// killed and started again, and a clock. Every interleaving of their single steps is tried. What the collector does
// with the blob is decided by the function that the sweep uses (storage/collect/decide.h).
//
// The clock ticks whenever it likes, but an operation that has found the blob names it within one tick, and the grace
// is two: safety is less than grace. A run that has not ended after three ticks is killed. Times are ages.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "storage/collect/decide.h"

namespace berth::test::model {

// What the model can be broken by, so that it is seen to find it.
enum class Broken { nothing, deletes_at_once, no_grace, readers_do_not_look, operation_drops_parked };

// put: has the bytes, links them. keep: has none (mount, manifest PUT after HEAD). remove: deletes the reference.
enum class Kind : std::uint8_t { put, keep, remove };
struct Operation {
  Kind kind;
  std::uint8_t repository;
};

// Where an operation, or the collector, is.
enum class At : std::uint8_t {
  before,
  looks_aside, // nothing was in the place
  brings_back, // it was parked
  drops,       // only in a broken one
  looks_again, // it was not parked either
  writes,      // its own bytes
  names,       // it has found the blob, or written it
  done,
};
enum class Run : std::uint8_t {
  idle,
  reads_first,
  reads_second,
  looks,
  looks_parked,
  parks,
  unparks, // a broken one frees what is in its place
  clears,  // takes the name in the place away, after parking
  restores,
  drops, // takes the parked name away
};

struct State {
  static constexpr std::uint8_t old = 3; // longer than the grace: nothing changes any more with age
  bool in_place = true, parked = false;
  std::uint8_t changed = old;             // the age of the last change of a name
  std::array<bool, 2> named{true, false}; // acknowledged references
  std::array<At, 5> at{};                 // of the operations
  std::array<std::uint8_t, 5> found{};    // age of what each has found
  Run run = Run::idle;
  std::uint8_t runs = 0;
  std::uint8_t began = 0; // the age of the run's mark
  bool live = false;      // what the mark found
  bool saw_place = false;
  std::uint8_t saw_changed = 0;

  // Forgets what makes no difference any more.
  void settle();
  std::string key() const;
};

class Model {
public:
  Model(std::vector<Operation> operations, int runs, Broken broken)
      : operations_(std::move(operations)), runs_(runs), broken_(broken) {}

  // Tries everything; returns the steps to the first state in which a reference leads nowhere; nothing: there is none.
  std::optional<std::vector<std::string>> search();
  std::size_t states() const { return seen_.size(); }

private:
  using Next = std::function<void(const char* step, const State& state)>;
  void operation(std::size_t which, const State& state, const Next& next) const;
  void collector(const State& state, const Next& next) const;
  void act(const State& state, bool parked, const Next& next) const;
  void tick(const State& state, const Next& next) const;
  bool is_lost(const State& state) const;

  std::vector<Operation> operations_;
  int runs_;
  Broken broken_;
  std::unordered_set<std::string> seen_;
};

} // namespace berth::test::model
