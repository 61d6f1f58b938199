// The purge of abandoned uploads in docker/distribution's form.

#include <algorithm>
#include <vector>

#include "storage/paths.h"
#include "storage/uploads/file_uploads.h"

namespace berth::storage {
namespace {

constexpr std::size_t max_time_bytes = 64;

class Purge {
public:
  Purge(driver::LocalDriver& driver, const PurgeOptions& options, const TellPurged& tell)
      : driver_(driver), options_(options), tell_(tell) {}

  // Visits the uploads of every repository at or below a path.
  Result<> visit(const std::string& path) {
    const auto children = driver::directories_in(driver_, path);
    if (!children) return pass_over(path, children.error());
    const auto info = driver_.stat(path);
    if (!info) return {}; // removed meanwhile
    if (info->version && std::ranges::find(above_, info->version) != above_.end())
      return {}; // a link that leads back up
    above_.push_back(info->version);
    const auto visited = visit_all(path, *children);
    above_.pop_back();
    return visited;
  }

  Purged result;

private:
  Result<> visit_all(const std::string& path, const std::vector<std::string>& children) {
    for (const std::string& child : children) {
      if (options_.stop()) return {};
      if (child == "_uploads")
        BERTH_CHECK(visit_uploads(path + "/" + child));
      else if (!child.starts_with('_'))
        BERTH_CHECK(visit(path + "/" + child));
    }
    return {};
  }

  Result<> visit_uploads(const std::string& path) {
    const auto ids = driver::names_in(driver_, path);
    if (!ids) return pass_over(path, ids.error());
    for (const std::string& id : *ids) {
      if (options_.stop()) return {};
      if (is_old(path + "/" + id + "/startedat"))
        purge(path + "/" + id);
      else if (is_old_remainder(path + "/" + id))
        remove(path + "/" + id);
    }
    return {};
  }

  // A directory that was removed meanwhile, or is not ours to read.
  Result<> pass_over(const std::string& directory, const Error& why) {
    if (is(why, Code::not_found)) return {};
    if (!is(why, Code::not_permitted)) return std::unexpected(why);
    tell(directory, std::unexpected(why));
    return {};
  }

  bool is_old(const std::string& started_at) const {
    const auto text = driver_.get_content(started_at, max_time_bytes);
    const auto time = text ? parse_rfc3339(*text) : std::unexpected(text.error());
    return time && *time < options_.started_before;
  }

  // True for the remains of an upload whose removal was cut short: without a startedat no client can resume it. The
  // last change of its directory is the only sign of its age.
  bool is_old_remainder(const std::string& upload) const {
    const auto started_at = driver_.stat(upload + "/startedat");
    if (started_at || !is(started_at.error(), Code::not_found)) return false;
    const auto left = driver_.stat(upload);
    return left && left->is_directory && left->changed && *left->changed < options_.started_before;
  }

  void purge(const std::string& upload) {
    const auto lock = driver_.lock(upload + "/startedat");
    if (!lock && is(lock.error(), Code::not_found)) return; // finished, or purged by another
    if (!lock && is(lock.error(), Code::busy)) {
      ++result.busy;
      return;
    }
    if (lock)
      remove(upload);
    else
      tell(upload, std::unexpected(lock.error()));
  }

  void remove(const std::string& upload) {
    tell(upload, options_.dry_run ? Result<>() : driver_.remove(upload, driver::Durability::scratch));
  }

  void tell(const std::string& upload, const Result<>& removed) {
    removed ? ++result.uploads : ++result.failed;
    tell_(upload, removed ? nullptr : &removed.error());
  }

  driver::LocalDriver& driver_;
  const PurgeOptions& options_;
  const TellPurged& tell_;
  std::vector<std::optional<driver::Version>> above_; // of the directories that are being visited
};

} // namespace

Result<Purged> FileUploads::purge(const PurgeOptions& options, const TellPurged& tell) {
  Purge purge(driver_, options, tell);
  BERTH_CHECK(purge.visit(paths::repositories()));
  return purge.result;
}

} // namespace berth::storage
