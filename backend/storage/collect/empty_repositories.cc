#include "storage/collect/empty_repositories.h"

#include <optional>
#include <string>
#include <vector>

#include "storage/enumerate/contents.h"
#include "storage/paths.h"

namespace berth::storage {
namespace {

// Of what a repository has: `_manifests/tags/<tag>/index/sha256/<hex>` is the deepest. Links may lead in a circle.
constexpr int max_depth = 10;

class Emptied {
public:
  Emptied(driver::StorageDriver& driver, const EmptyRepositoryOptions& options) : driver_(driver), options_(options) {}

  // Whether it has been a directory of empty directories for long enough. What is not there is.
  Result<bool> is_empty(const std::string& directory, int depth = 0) {
    const auto info = driver_.stat(directory);
    if (!info && is(info.error(), Code::not_found)) return true;
    BERTH_CHECK(info);
    const bool old = options_.age.count() == 0 || (info->changed && *info->changed + options_.age <= options_.began);
    if (!info->is_directory || !old || depth == max_depth) return false;
    bool empty = true;
    constexpr auto enough = Code::exists;
    const auto listed = each_entry(driver_, directory, [&](const driver::Entry& entry) -> Result<> {
      empty = entry.is_directory;
      if (empty) {
        BERTH_TRY(empty, is_empty(directory + "/" + entry.name, depth + 1));
      }
      return empty ? Result<>() : Result<>(fail(enough));
    });
    if (!listed && !is(listed.error(), enough)) return std::unexpected(listed.error());
    return empty;
  }

  Result<> remove(const std::string& directory) {
    std::vector<std::string> below;
    BERTH_CHECK(each_entry(driver_, directory, [&](const driver::Entry& entry) -> Result<> {
      if (entry.is_directory) below.push_back(directory + "/" + entry.name);
      return {};
    }));
    for (const std::string& one : below) BERTH_CHECK(remove(one));
    return driver_.remove_empty(directory);
  }

private:
  driver::StorageDriver& driver_;
  const EmptyRepositoryOptions& options_;
};

} // namespace

Result<bool> remove_if_empty(driver::StorageDriver& driver, const model::RepositoryName& name,
                             const EmptyRepositoryOptions& options) {
  Emptied emptied(driver, options);
  const std::vector<std::string> own{paths::uploads(name), paths::manifests(name), paths::layers(name)};
  for (const std::string& directory : own) {
    BERTH_TRY(const bool empty, emptied.is_empty(directory));
    if (!empty) return false;
  }
  if (options.dry_run) return true;
  for (const std::string& directory : own) BERTH_CHECK(emptied.remove(directory));
  remove_empty_upwards(driver, name);
  for (const std::string& directory : own)
    if (driver.stat(directory)) return false; // somebody has come
  return true;
}

void remove_empty_upwards(driver::StorageDriver& driver, const model::RepositoryName& name) {
  const std::string top = paths::repositories();
  for (std::string one = paths::repository(name); one != top; one = paths::directory_of(one))
    static_cast<void>(driver.remove_empty(one));
}

} // namespace berth::storage
