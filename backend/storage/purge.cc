#include "storage/purge.h"

#include "storage/paths.h"

namespace berth::storage {
namespace {

constexpr std::size_t max_time_bytes = 64;

class Purge {
public:
  Purge(driver::StorageDriver& driver, const PurgeOptions& options, const TellPurged& tell)
      : driver_(driver), options_(options), tell_(tell) {}

  // Visits the uploads of every repository at or below a path.
  Result<> visit(const std::string& path) {
    const auto children = driver_.list(path);
    if (!children && is(children.error(), Code::not_found)) return {}; // a file, or removed meanwhile
    if (!children) return std::unexpected(children.error());
    for (const std::string& child : *children) {
      if (options_.stop()) return {};
      if (child == "_uploads")
        BERTH_CHECK(visit_uploads(path + "/" + child));
      else if (!child.starts_with('_'))
        BERTH_CHECK(visit(path + "/" + child));
    }
    return {};
  }

  Purged result;

private:
  Result<> visit_uploads(const std::string& path) {
    const auto ids = driver_.list(path);
    if (!ids && is(ids.error(), Code::not_found)) return {};
    if (!ids) return std::unexpected(ids.error());
    for (const std::string& id : *ids) {
      if (options_.stop()) return {};
      if (is_old(path + "/" + id + "/startedat")) purge(path + "/" + id);
    }
    return {};
  }

  bool is_old(const std::string& started_at) const {
    const auto text = driver_.get_content(started_at, max_time_bytes);
    const auto time = text ? parse_rfc3339(*text) : std::unexpected(text.error());
    return time && *time < options_.started_before;
  }

  void purge(const std::string& upload) {
    const auto lock = driver_.lock(upload + "/startedat");
    if (!lock && is(lock.error(), Code::not_found)) return; // finished, or purged by another
    if (!lock && is(lock.error(), Code::busy)) {
      ++result.busy;
      return;
    }
    Result<> removed;
    if (!lock)
      removed = std::unexpected(lock.error());
    else if (!options_.dry_run)
      removed = driver_.remove(upload, driver::Durability::scratch);
    removed ? ++result.uploads : ++result.failed;
    tell_(upload, removed ? nullptr : &removed.error());
  }

  driver::StorageDriver& driver_;
  const PurgeOptions& options_;
  const TellPurged& tell_;
};

} // namespace

Result<Purged> purge_uploads(driver::StorageDriver& driver, const PurgeOptions& options, const TellPurged& tell) {
  Purge purge(driver, options, tell);
  BERTH_CHECK(purge.visit(paths::repositories()));
  return purge.result;
}

} // namespace berth::storage
