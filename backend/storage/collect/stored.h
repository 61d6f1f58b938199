// Reading a store as a collection does: what is parked counts as there. Threads: safe.
#pragma once

#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "base/clock.h"
#include "driver/storage_driver.h"
#include "model/digest.h"
#include "model/names.h"
#include "storage/collect/quarantine.h"
#include "storage/paths.h"

namespace berth::storage {

// A link in its place, or parked.
struct StoredLink {
  bool parked = false;
  std::optional<Time> changed;                  // absent if nobody can tell
  std::optional<model::CanonicalDigest> target; // absent if its file holds no digest, or was not read
};
enum class Look { at_its_age, at_its_target };
// The link of a directory (each_link); nothing if it has none. What cannot be read counts as there.
// Look::at_its_target leaves out the time of one that is not parked.
std::optional<StoredLink> stored_link(driver::StorageDriver& driver, const std::string& directory, Look look);

// What a digest leads to in a repository: itself, or what a layer's or a manifest's link under it names.
std::optional<model::CanonicalDigest> canonical_of(driver::StorageDriver& driver, const model::RepositoryName& name,
                                                   const model::Digest& digest);

// What ask(path) answers of a blob's file, wherever that is. Errors: those of ask, which are not_found if it is
// nowhere.
template <class Ask>
std::invoke_result_t<const Ask&, const std::string&>
look_at_blob(driver::StorageDriver& driver, const model::CanonicalDigest& digest, const Ask& ask) {
  auto looked = look_up(
      driver, paths::blob_data(digest), [&] { return paths::parked_blob(digest); }, registry::Need::to_read, ask);
  if (!looked) return std::unexpected(std::move(looked).error());
  return std::move(looked->found);
}

// The bytes of a manifest, wherever its blob is. Errors: not_found; size_invalid; io.
Result<std::string> manifest_bytes(driver::StorageDriver& driver, const model::CanonicalDigest& digest);
// Whether a blob of a repository's layers is a manifest of the kind that registry 2.1.0 linked there by mistake.
bool is_misplaced_manifest(driver::StorageDriver& driver, const model::CanonicalDigest& digest);

} // namespace berth::storage
