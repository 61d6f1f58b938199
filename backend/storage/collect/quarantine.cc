#include "storage/collect/quarantine.h"

#include <vector>

#include "storage/paths.h"
#include "storage/put_files.h"

namespace berth::storage {
Names names_of(const model::CanonicalDigest& blob) { return {paths::blob_data(blob), paths::parked_blob(blob)}; }

Names names_of_link(std::string link) {
  std::string parked = paths::parked_link(link);
  return {std::move(link), std::move(parked)};
}

Result<> Quarantine::bring_back(const Names& names) {
  BERTH_TRY(Content content, driver_.open(names.parked));
  return driver_.put(in_order(driver::PutFile{names.place, std::move(content)}));
}

// A name that is gone already is none to take away.
Result<> Quarantine::remove(const std::string& path) {
  auto removed = driver_.remove(path, driver::Durability::scratch);
  if (!removed && is(removed.error(), Code::not_found)) return {};
  return removed;
}

Result<> Quarantine::park(std::span<const Names> all) {
  std::vector<driver::PutFile> files;
  std::vector<std::pair<const Names*, std::uint64_t>> parked; // with their sizes
  for (const Names& names : all) {
    auto content = driver_.open(names.place);
    if (!content && is(content.error(), Code::not_found)) continue;
    if (!content) return std::unexpected(std::move(content).error());
    parked.emplace_back(&names, content->size());
    files.push_back({names.parked, *std::move(content)});
  }
  BERTH_CHECK(driver_.put(std::move(files)));
  for (const auto& [names, size] : parked) {
    // A push replaces what is damaged, and may have done so just now.
    const auto in_place = driver_.stat(names->place);
    if (!in_place && is(in_place.error(), Code::not_found)) continue;
    BERTH_CHECK(in_place);
    if (in_place->size == size) BERTH_CHECK(remove(names->place));
  }
  return {};
}

Result<> Quarantine::restore(std::span<const Names> all) {
  std::vector<driver::PutFile> files;
  for (const Names& names : all) {
    driver::PutFile file{names.place, std::nullopt}; // whoever gave it its place may not have synced that yet
    const auto in_place = driver_.stat(names.place);
    if (!in_place && !is(in_place.error(), Code::not_found)) return std::unexpected(in_place.error());
    if (!in_place) {
      BERTH_TRY(file.content, driver_.open(names.parked));
    }
    files.push_back(std::move(file));
  }
  BERTH_CHECK(driver_.put(std::move(files)));
  for (const Names& names : all) {
    BERTH_CHECK(driver_.stat(names.place)); // another program may have removed it
    BERTH_CHECK(remove(names.parked));
  }
  return {};
}

Result<> Quarantine::free(const Names& names) {
  BERTH_CHECK(remove(names.parked));
  return driver_.remove_empty(paths::directory_of(names.place));
}

Result<> Quarantine::erase(const Names& names) {
  BERTH_CHECK(remove(names.place));
  return free(names);
}

} // namespace berth::storage
