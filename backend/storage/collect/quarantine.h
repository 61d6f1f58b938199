// Quarantine: where garbage collection parks what nothing live names, before it frees it: under another name. A blob
// has it apart from its place, a link beside it (storage/paths.h). A reader that finds nothing in a place looks there
// (look_up); whoever will name what it found brings it back.
//
// At every moment, and after a power cut at any, what is not freed has one of its two names. And only the collector
// takes a name away: whoever brings something back adds one. Else a slow one of these could take away the only name
// that is left, as the collector may have parked it again meanwhile. Threads: safe. Borrows: the driver. Spec:
// docs/decisions/0045-parked-before-freed.md
#pragma once

#include <span>
#include <string>
#include <type_traits>
#include <utility>

#include "driver/storage_driver.h"
#include "model/digest.h"
#include "registry/blobs.h"

namespace berth::storage {

// The two names of a blob, or of a link: paths of the driver.
struct Names {
  std::string place, parked;
};
Names names_of(const model::CanonicalDigest& blob);
// Requires: the path of a link file.
Names names_of_link(std::string link);

class Quarantine {
public:
  explicit Quarantine(driver::StorageDriver& driver) : driver_(driver) {}

  // Gives it its place again; it keeps its parked name. Durable. Errors: not_found if it is not parked: it was freed,
  // or has its place again.
  Result<> bring_back(const Names& names);

  // For the collector alone, which holds paths::collection_lock().
  // Parks all of them: each is parked durably before it loses its place. What is in no place is passed over, and so is
  // what is replaced meanwhile. Durable, but for the loss of the places: after a power cut it may have both names.
  Result<> park(std::span<const Names> all);
  // Gives all of them their places, durably, and then takes their parked names away.
  Result<> restore(std::span<const Names> all);
  // Takes its parked name away, and no other: it may have been brought back this moment. Not durable: after a power cut
  // it may be parked still.
  Result<> free(const Names& names);
  // Takes both its names away, whoever brings it back meanwhile: only where nobody writes. Not durable.
  Result<> erase(const Names& names);

private:
  Result<> remove(const std::string& path);

  driver::StorageDriver& driver_;
};

template <class T>
struct Looked {
  T found;
  bool parked = false; // and not brought back
};

// Looks for something by both its names. `look` gets a path, and answers not_found if nothing is there; `parked_name`
// is called if nothing is in the place, so that what is there costs nothing more. Errors: not_found; those of look and
// of bringing back.
template <class Look, class ParkedName>
auto look_up(driver::StorageDriver& driver, const std::string& place, const ParkedName& parked_name,
             registry::Need need, const Look& look) {
  using Found = std::invoke_result_t<const Look&, const std::string&>::value_type;
  using Answer = Result<Looked<Found>>;
  const auto as_answer = [](Result<Found> found) -> Answer {
    if (!found) return std::unexpected(std::move(found).error());
    return Looked<Found>{*std::move(found), false};
  };
  auto in_place = look(place);
  if (in_place || !is(in_place.error(), Code::not_found)) return as_answer(std::move(in_place));
  const std::string parked = parked_name();
  auto aside = look(parked);
  if (aside) {
    if (need == registry::Need::to_read) return Answer(Looked<Found>{*std::move(aside), true});
    const Result<> back = Quarantine(driver).bring_back({place, parked});
    if (back) return as_answer(std::move(aside));
    if (!is(back.error(), Code::not_found)) return Answer(std::unexpected(back.error()));
  } else if (!is(aside.error(), Code::not_found)) {
    return as_answer(std::move(aside));
  }
  // It was brought back between the two looks, and its parked name dropped; or it is gone.
  return as_answer(look(place));
}

} // namespace berth::storage
