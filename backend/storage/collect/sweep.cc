#include "storage/collect/sweep.h"

#include <algorithm>
#include <initializer_list>
#include <iterator>
#include <optional>
#include <utility>
#include <vector>

#include "storage/collect/quarantine.h"
#include "storage/paths.h"

namespace berth::storage {
namespace {

// So many are parked, or brought back, in one wait for the disk. All of them are open meanwhile.
constexpr std::size_t batch = 64;
// So many judged links are in hand at once.
constexpr std::size_t most_links = 4096;

// A blob or a link, and what is to be done with it.
struct Item {
  Names names;
  Seen seen;
  Step step = Step::leave;
  std::uint64_t size = 0;
  std::optional<model::CanonicalDigest> blob = {}; // nothing: it is a link
};

class Sweep {
public:
  Sweep(const SweepParts& parts, const LiveSet& live, const Rule& rule, bool dry_run, const TellSwept& tell)
      : parts_(parts), live_(live), rule_(rule), dry_run_(dry_run), tell_(tell), quarantine_(parts.driver) {}

  void blobs();
  void links(std::span<const DeadLink> links);
  const Swept& swept() const { return swept_; }

private:
  using Items = std::vector<Item>;

  void shard(const std::string& digits);
  Result<std::vector<std::string>> names_in(const std::string& directory);
  Result<Item> look(Names names, bool live);
  void consider(Result<Item> item, const std::string& path, Items& to_do);
  void tidy(const Item& item);
  void work(const Items& items);
  template <class Change>
  void in_batches(const Items& items, const Change& change);
  void forget(const Items& items);
  void done(const Item& item);
  void failed(const std::string& path, const Error& why);

  const SweepParts& parts_;
  const LiveSet& live_;
  const Rule rule_;
  const bool dry_run_;
  const TellSwept& tell_;
  Quarantine quarantine_;
  Swept swept_;
};

void Sweep::failed(const std::string& path, const Error& why) {
  ++swept_.failed;
  parts_.logger.warn("a collection could not do all of its work", {{"path", path}, {"why", why.message}});
}

void Sweep::done(const Item& item) {
  Swept::Kind& kind = item.blob ? swept_.blobs : swept_.links;
  if (item.step == Step::park) kind.parked.add(item.size);
  if (item.step == Step::free) kind.freed.add(item.size);
  if (item.step == Step::bring_back) kind.brought_back.add(item.size);
  if (tell_) tell_(item.step, item.names.place, item.size);
}

// None if the directory is not there.
Result<std::vector<std::string>> Sweep::names_in(const std::string& directory) {
  auto names = driver::names_in(parts_.driver, directory);
  if (!names && is(names.error(), Code::not_found)) return std::vector<std::string>();
  return names;
}

Result<Item> Sweep::look(Names names, bool live) {
  Item item;
  item.seen.live = live;
  // The place first: what is brought back after that look has a new stamp in the second one, or keeps both its names.
  for (const bool parked : {false, true}) {
    const auto file = parts_.driver.stat(parked ? names.parked : names.place);
    if (!file && is(file.error(), Code::not_found)) continue;
    BERTH_CHECK(file);
    if (file->is_directory) continue; // another program's
    (parked ? item.seen.parked : item.seen.in_place) = true;
    if (parked && item.seen.in_place) continue; // the stamp of its place counts
    item.seen.changed = file->changed;
    item.size = file->size;
  }
  item.names = std::move(names);
  item.step = decide(item.seen, rule_);
  return item;
}

// The directory of a blob that has neither name: somebody removed the file, or a run was ended before it was done.
// docker-registry makes such a directory a moment before the file: that moment is left to it.
void Sweep::tidy(const Item& item) {
  const std::string directory = paths::directory_of(item.names.place);
  const auto made = parts_.driver.stat(directory);
  if (!made || !made->changed || *made->changed + young > rule_.mark_began || dry_run_) return;
  static_cast<void>(parts_.driver.remove_empty(directory));
}

void Sweep::consider(Result<Item> item, const std::string& path, Items& to_do) {
  if (!item) return failed(path, item.error());
  const Seen& seen = item->seen;
  if (!seen.in_place && !seen.parked) return tidy(*item);
  if (item->step != Step::leave)
    to_do.push_back(*std::move(item));
  else if (!seen.in_place)
    (item->blob ? swept_.blobs : swept_.links).waiting.add(item->size);
}

void Sweep::shard(const std::string& digits) {
  const auto in_place = names_in(paths::blob_shard(digits));
  if (!in_place) return failed(paths::blob_shard(digits), in_place.error());
  const auto parked = names_in(paths::parked_shard(digits));
  if (!parked) return failed(paths::parked_shard(digits), parked.error());
  std::vector<std::string> all;
  std::ranges::set_union(*in_place, *parked, std::back_inserter(all));
  Items to_do;
  for (const std::string& hex : all) {
    const auto digest = model::CanonicalDigest::parse("sha256:" + hex);
    if (!digest || !hex.starts_with(digits)) continue; // another program's
    const bool live = live_.has(*digest);
    if (live && !std::ranges::binary_search(*parked, hex)) continue; // most of them: nothing is asked about them
    auto item = look(names_of(*digest), live);
    if (item) item->blob = *digest;
    consider(std::move(item), paths::blob_data(*digest), to_do);
  }
  work(to_do);
}

void Sweep::blobs() {
  for (const std::string& digits : paths::shards()) shard(digits);
}

void Sweep::links(std::span<const DeadLink> links) {
  for (; !links.empty(); links = links.subspan(std::min(links.size(), most_links))) {
    Items to_do;
    for (const DeadLink& link : links.first(std::min(links.size(), most_links)))
      consider(look(names_of_link(link.link_path), link.is_needed), link.link_path, to_do);
    work(to_do);
  }
}

// All at once, or, if that fails, one by one: what is wrong with one keeps no other from its place.
template <class Change>
void Sweep::in_batches(const Items& items, const Change& change) {
  for (std::size_t at = 0; at < items.size(); at += batch) {
    const std::span<const Item> part = std::span(items).subspan(at, std::min(batch, items.size() - at));
    std::vector<Names> names;
    for (const Item& item : part) names.push_back(item.names);
    const Result<> all = change(names);
    for (std::size_t i = 0; i < part.size(); ++i) {
      const Result<> one = all ? all : change(std::span(names).subspan(i, 1));
      if (one)
        done(part[i]);
      else
        failed(part[i].names.place, one.error());
    }
  }
}

// Frees before it parks: on a full disk, a second name needs room as well.
void Sweep::work(const Items& items) {
  if (dry_run_) {
    for (const Item& item : items) done(item);
    return;
  }
  const auto those_to = [&](std::initializer_list<Step> steps) {
    Items some;
    std::ranges::copy_if(items, std::back_inserter(some),
                         [&](const Item& item) { return std::ranges::find(steps, item.step) != steps.end(); });
    return some;
  };
  const Items to_restore = those_to({Step::bring_back, Step::drop});
  in_batches(to_restore, [&](std::span<const Names> names) { return quarantine_.restore(names); });
  const Items to_free = those_to({Step::free}), to_park = those_to({Step::park});
  in_batches(to_free, [&](std::span<const Names> names) -> Result<> {
    for (const Names& one : names) BERTH_CHECK(rule_.now ? quarantine_.erase(one) : quarantine_.free(one));
    return {};
  });
  in_batches(to_park, [&](std::span<const Names> names) { return quarantine_.park(names); });
  forget(to_free);
  forget(to_park);
}

// Another registry that reads the same memory would believe what it says.
void Sweep::forget(const Items& items) {
  std::vector<model::Digest> blobs;
  for (const Item& item : items)
    if (item.blob) blobs.emplace_back(*item.blob);
  if (parts_.cache != nullptr && !blobs.empty()) parts_.cache->forget(blobs);
}

} // namespace

Result<Time> store_time(driver::StorageDriver& driver) {
  const std::string path = paths::collection_began();
  BERTH_CHECK(driver.put_scratch(path, {}));
  BERTH_TRY(const driver::FileInfo file, driver.stat(path));
  if (!file.changed) return fail(Code::unsupported, "the store does not tell when a file was changed");
  return *file.changed;
}

Swept sweep(const SweepParts& parts, const LiveSet& live, std::span<const DeadLink> links, Time mark_began,
            const SweepOptions& options, const TellSwept& tell) {
  Sweep all(parts, live, {mark_began, options.grace, options.now}, options.dry_run, tell);
  all.blobs();
  all.links(links);
  return all.swept();
}

} // namespace berth::storage
