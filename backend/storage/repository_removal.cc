#include "storage/repository_removal.h"

#include <vector>

#include "storage/collect/empty_repositories.h"
#include "storage/enumerate/contents.h"
#include "storage/paths.h"

namespace berth::storage {

Result<bool> RepositoryRemoval::is_there(const std::string& directory) {
  const auto info = parts_.driver.stat(directory);
  if (!info && is(info.error(), Code::not_found)) return false;
  BERTH_CHECK(info);
  return info->is_directory;
}

// One that is not there is gone already.
Result<> RepositoryRemoval::discard(const std::string& directory) {
  auto gone = parts_.driver.discard(directory);
  if (!gone && is(gone.error(), Code::not_found)) return {};
  return gone;
}

Result<> RepositoryRemoval::remove_layers() {
  std::vector<model::Digest> remembered; // docker-registry, if it has the same memory, believes it
  if (parts_.layers.remembers())
    BERTH_CHECK(each_layer(parts_.driver, name_, [&](const model::Digest& digest, const auto&) -> Result<> {
      remembered.push_back(digest);
      return {};
    }));
  BERTH_CHECK(discard(paths::layers(name_)));
  for (const model::Digest& digest : remembered) parts_.layers.forget(digest);
  return {};
}

Result<> RepositoryRemoval::run() {
  BERTH_TRY(const auto lock, parts_.guard.exclude());
  BERTH_TRY(const bool has_manifests, is_there(paths::manifests(name_)));
  BERTH_TRY(const bool has_layers, is_there(paths::layers(name_)));
  if (!has_manifests && !has_layers) return fail(Code::name_unknown, {}, name_.str());
  BERTH_CHECK(parts_.tags.check_none_immutable());
  BERTH_CHECK(discard(paths::tags(name_)));
  BERTH_CHECK(discard(paths::manifests(name_)));
  BERTH_CHECK(discard(paths::v1_pushed(name_)));
  BERTH_CHECK(discard(paths::v1_notes(name_)));
  BERTH_CHECK(remove_layers());
  BERTH_CHECK(parts_.uploads.remove_idle());
  // A parked manifest that somebody looked for just then was brought back: nobody else makes any while the lock is
  // held.
  BERTH_CHECK(discard(paths::manifests(name_)));
  BERTH_CHECK(parts_.driver.settle(paths::repository(name_)));
  static_cast<void>(parts_.driver.remove_empty(paths::uploads(name_)));
  remove_empty_upwards(parts_.driver, name_);
  return {};
}

} // namespace berth::storage
