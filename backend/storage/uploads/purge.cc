// The purge of abandoned uploads in docker/distribution's form.

#include "storage/enumerate/contents.h"
#include "storage/enumerate/repositories.h"
#include "storage/uploads/file_uploads.h"

namespace berth::storage {
namespace {

constexpr std::size_t max_time_bytes = 64;

class Purge {
public:
  Purge(driver::LocalDriver& driver, const PurgeOptions& options, const TellPurged& tell)
      : driver_(driver), options_(options), tell_(tell) {}

  Result<> run() {
    Repositories repositories(driver_, [this](const auto& path, const Error& why) { return pass_over(path, why); });
    for (;;) {
      if (options_.stop()) return {};
      BERTH_TRY(const auto found, repositories.next());
      if (!found) return {};
      if (found->has_uploads) BERTH_CHECK(visit(found->path));
    }
  }

  Purged result;

private:
  Result<> visit(const std::string& repository) {
    bool stopped = false;
    const auto visited = each_upload(driver_, repository, [&](const std::string& upload) -> Result<> {
      stopped = stopped || options_.stop();
      if (stopped) return {};
      if (is_old(upload + "/startedat"))
        purge(upload);
      else if (is_old_remainder(upload))
        remove(upload);
      return {};
    });
    return visited ? visited : pass_over(repository + "/_uploads", visited.error());
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
};

} // namespace

Result<Purged> FileUploads::purge(const PurgeOptions& options, const TellPurged& tell) {
  Purge purge(driver_, options, tell);
  BERTH_CHECK(purge.run());
  return purge.result;
}

} // namespace berth::storage
