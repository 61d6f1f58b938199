// Repositories: every directory of a store that is a repository, or was one, one after the other: a directory with any
// of `_layers`, `_manifests` and `_uploads`. A directory comes before those below it, siblings in byte order: the order
// of docker/distribution's walks. Linked directories are followed, unless the link leads back up; what comes or goes
// meanwhile may or may not be found.
// Cost: a list and a stat a directory. Memory: a page of names a level.
// Threads: one at a time. Borrows: the driver.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "driver/storage_driver.h"
#include "model/names.h"

namespace berth::storage {

class Repositories {
public:
  struct Found {
    std::string path;                          // of its directory
    std::optional<model::RepositoryName> name; // absent: no client can name it
    bool has_layers = false, has_manifests = false, has_uploads = false;
  };
  // Called for a directory that cannot be read. It is passed over, or the error that is returned ends the walk.
  using Unreadable = std::function<Result<>(const std::string& path, const Error& why)>;

  Repositories(driver::StorageDriver& driver, Unreadable unreadable)
      : driver_(driver), unreadable_(std::move(unreadable)) {}

  // Nothing after the last one. Errors: what Unreadable returned; io.
  Result<std::optional<Found>> next();

private:
  // A directory that is being walked.
  struct Level {
    std::string path;
    std::optional<driver::Version> version;
    std::vector<std::string> names = {}; // of a page: its directories that are no repository's own
    std::size_t at = 0;
    std::string last = {}; // of the page, of whatever kind
    bool more = false;     // there may be another page
  };

  Result<std::optional<Found>> enter(const std::string& path);
  Result<std::optional<std::vector<driver::Entry>>> page_of(Level& level);
  Result<Found> found_in(const Level& level, const std::vector<driver::Entry>& entries);
  bool leads_back_up(const Level& level) const;

  driver::StorageDriver& driver_;
  Unreadable unreadable_;
  bool begun_ = false;
  std::vector<Level> levels_;
};

} // namespace berth::storage
