#include "storage/verify/verify_repositories.h"

#include <map>
#include <string>
#include <vector>

#include "model/manifest.h"
#include "storage/blobs/link_set.h"
#include "storage/collect/stored.h"
#include "storage/enumerate/contents.h"
#include "storage/enumerate/repositories.h"
#include "storage/paths.h"
#include "storage/put_files.h"

namespace berth::storage {
namespace {

using model::CanonicalDigest;

constexpr std::size_t max_date_bytes = 128;

// The size of a blob, in its place or parked; nothing if it is not there. Errors: io.
Result<std::optional<std::uint64_t>> size_of(driver::StorageDriver& driver, const CanonicalDigest& digest) {
  const auto info = look_at_blob(driver, digest, [&](const std::string& path) { return driver.stat(path); });
  if (info) return info->size;
  if (is(info.error(), Code::not_found)) return std::nullopt;
  return std::unexpected(info.error());
}

std::string in_words(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : "; ") + part;
  return text;
}

} // namespace

// One repository. Its members that look return an error only for what ends the run.
class VerifyRepositories::Repository {
public:
  Repository(VerifyRepositories& all, const model::RepositoryName& name, const TellFinding& tell,
             VerifiedRepositories& sums)
      : all_(all), driver_(all.driver_), name_(name), tell_(tell), sums_(sums) {}

  Result<> look() {
    BERTH_CHECK(look_at_tags());
    BERTH_CHECK(each_revision(driver_, name_, [&](const model::Digest& digest, const std::string& directory) {
      return look_at_revision(CanonicalDigest::from(digest).value(), directory);
    }));
    for (const auto each : {&each_layer, &each_alias})
      BERTH_CHECK(each(driver_, name_, [&](const model::Digest& digest, const std::string& directory) {
        look_at_link(digest, directory);
        return Result<>();
      }));
    return {};
  }

private:
  void tell(Finding finding) {
    finding.repository = name_.str();
    if (finding.kind != FindingKind::dangling_link) ++sums_.findings;
    if (finding.kind == FindingKind::unreadable) ++sums_.unreadable;
    tell_(finding);
  }

  Result<> look_at_tags() {
    return each_tag(driver_, name_, [&](const model::Tag& tag) -> Result<> {
      ++sums_.tags;
      const std::string path = paths::tag_current_link(name_, tag);
      const auto target = read_link(driver_, path);
      Finding finding{.kind = FindingKind::dangling_tag, .path = path, .tags = {tag.str()}};
      if (!target && !is(target.error(), Code::not_found) && !is(target.error(), Code::corrupt)) {
        finding.kind = FindingKind::unreadable;
        finding.why = target.error().message;
        tell(std::move(finding));
        return {};
      }
      if (target) {
        finding.digest = target->str();
        if (is_linked(paths::revision_link(name_, *target))) {
          BERTH_TRY(const auto size, size_of(driver_, *target));
          if (size) {
            tags_[*target].push_back(tag.str());
            return {};
          }
        }
      }
      finding.why = target ? "its manifest is not there" : "its file holds no digest";
      if (all_.options_.mend) finding.action = remove_tag(tag, target ? std::optional(*target) : std::nullopt);
      tell(std::move(finding));
      return {};
    });
  }

  // Removes a tag that still leads where it led, if nobody has written it lately: its push may not be over.
  std::string remove_tag(const model::Tag& tag, const std::optional<CanonicalDigest>& target) {
    const auto lock = all_.locks_.exclusive(paths::tag_lock(name_, tag));
    if (!lock) return "not removed: " + lock.error().message;
    const std::string path = paths::tag_current_link(name_, tag);
    const auto now = read_link(driver_, path);
    if (now.has_value() != target.has_value() || (now && *now != *target)) return "not removed: it was just pushed";
    const auto info = driver_.stat(paths::tag(name_, tag));
    const auto file = driver_.stat(path);
    const auto changed = file ? file->changed : info ? info->changed : std::nullopt;
    if (!changed || *changed + old_tag > all_.clock_.now()) return "not removed: it is younger than a day";
    const auto removed = driver_.remove(paths::tag(name_, tag), driver::Durability::durable);
    return removed ? "removed" : "not removed: " + removed.error().message;
  }

  bool is_linked(const std::string& link) {
    return stored_link(driver_, paths::directory_of(link), Look::at_its_age).has_value();
  }

  Result<> look_at_revision(const CanonicalDigest& digest, const std::string& directory) {
    if (!look_at_link(digest, directory)) return {};
    ++sums_.manifests;
    if (all_.options_.named) all_.options_.named(digest);
    const auto found = tags_.find(digest);
    Finding finding{.kind = FindingKind::incomplete,
                    .path = paths::blob_data(digest),
                    .tags = found != tags_.end() ? found->second : std::vector<std::string>(),
                    .digest = digest.str()};
    const auto bytes = manifest_bytes(driver_, digest);
    if (!bytes && is(bytes.error(), Code::io)) {
      finding.kind = FindingKind::unreadable;
      finding.why = bytes.error().message;
      tell(std::move(finding));
      return {};
    }
    if (!bytes && is(bytes.error(), Code::not_found)) return {}; // a dangling link
    const auto info = bytes ? model::detect_manifest(*bytes) : std::unexpected(bytes.error());
    if (!info) {
      finding.why = bytes ? "is no manifest that berth knows" : bytes.error().message;
      tell(std::move(finding));
      return {};
    }
    BERTH_TRY(const auto missing, missing_of(*info));
    if (missing.empty()) return {};
    finding.why = in_words(missing);
    tell(std::move(finding));
    return {};
  }

  // What a manifest names and the repository has not, in words.
  Result<std::vector<std::string>> missing_of(const model::ManifestInfo& info) {
    const bool is_index = model::is_index(info.kind);
    std::vector<std::string> missing;
    for (const model::ContentReference& content : info.contents) {
      const auto canonical = canonical_of(driver_, name_, content.digest);
      if (canonical && all_.options_.named) all_.options_.named(*canonical);
      const bool may_be_absent = !content.urls.empty() ||
                                 (is_index ? all_.options_.indexes_may_be_sparse : all_.options_.images_may_be_sparse);
      std::optional<std::uint64_t> size;
      if (canonical) {
        BERTH_TRY(size, size_of(driver_, *canonical));
      }
      if (!size) {
        if (!may_be_absent) missing.push_back(content.digest.str() + " is not there");
      } else if (!is_linked(paths::layer_link(name_, *canonical)) &&
                 !is_linked(paths::revision_link(name_, *canonical))) {
        if (!may_be_absent) missing.push_back(content.digest.str() + " is not linked in the repository");
      } else if (info.kind != model::ManifestKind::schema1 && content.size > 0 &&
                 *size != static_cast<std::uint64_t>(content.size)) {
        missing.push_back(content.digest.str() + " has " + std::to_string(*size) + " bytes instead of " +
                          std::to_string(content.size));
      }
    }
    return missing;
  }

  // Whether a link is one, after it was mended, too.
  bool look_at_link(const model::Digest& digest, const std::string& directory) {
    const auto link = stored_link(driver_, directory, Look::at_its_target);
    if (!link) return false; // a directory without a link grants nothing
    ++sums_.links;
    const auto canonical = CanonicalDigest::from(digest);
    const std::string in_place = paths::link_in(directory);
    const std::string path = link->parked ? paths::parked_link(in_place) : in_place;
    if (link->target && (!canonical || *link->target == *canonical)) return look_for_blob(digest, *link->target, path);
    const auto read = read_link(driver_, path);
    Finding finding{.kind = FindingKind::bad_link, .path = path, .digest = digest.str()};
    if (!read && !is(read.error(), Code::corrupt)) {
      if (is(read.error(), Code::not_found)) return false; // collected meanwhile
      finding.kind = FindingKind::unreadable;
      finding.why = read.error().message;
    } else {
      finding.why = read ? "it holds " + read->str() : "it holds no digest";
      if (all_.options_.mend) finding.action = mend_link(canonical ? std::optional(*canonical) : std::nullopt, path);
    }
    tell(std::move(finding));
    return false;
  }

  bool look_for_blob(const model::Digest& digest, const CanonicalDigest& target, const std::string& path) {
    const auto size = size_of(driver_, target);
    if (size && *size) return true;
    if (!size)
      tell({.kind = FindingKind::unreadable,
            .why = size.error().message,
            .path = paths::blob_data(target),
            .digest = target.str()});
    else if (all_.options_.dangling_links)
      tell({.kind = FindingKind::dangling_link, .why = "the blob is not there", .path = path, .digest = digest.str()});
    return false;
  }

  // What a link under a canonical digest holds follows from its name.
  std::string mend_link(const std::optional<CanonicalDigest>& digest, const std::string& path) {
    if (digest) {
      const auto size = size_of(driver_, *digest);
      if (!size) return "not mended: " + size.error().message;
      if (*size) {
        const auto put = driver_.put(in_order(driver::PutFile{path, Content::of(digest->str())}));
        return put ? "written again" : "not mended: " + put.error().message;
      }
    }
    const auto removed = driver_.remove(path, driver::Durability::durable);
    return removed ? "removed" : "not mended: " + removed.error().message;
  }

  VerifyRepositories& all_;
  driver::StorageDriver& driver_;
  const model::RepositoryName& name_;
  const TellFinding& tell_;
  VerifiedRepositories& sums_;
  std::map<CanonicalDigest, std::vector<std::string>> tags_; // of each manifest that is there
};

Result<VerifiedRepositories> VerifyRepositories::run(const TellFinding& tell, const std::function<void()>& each) {
  VerifiedRepositories sums;
  const auto unreadable = [&](const std::string& path, const Error& why) -> Result<> {
    ++sums.findings, ++sums.unreadable;
    tell({.kind = FindingKind::unreadable, .why = why.message, .path = path});
    return {};
  };
  Repositories repositories(driver_, unreadable);
  for (;;) {
    if (options_.stop()) {
      sums.is_whole = false;
      return sums;
    }
    BERTH_TRY(const auto found, repositories.next());
    if (!found) return sums;
    if (!found->name || (options_.wanted && !options_.wanted(*found->name))) continue;
    ++sums.repositories;
    const auto looked = Repository(*this, *found->name, tell, sums).look();
    if (!looked) BERTH_CHECK(unreadable(found->path, looked.error()));
    if (found->has_uploads) look_at_uploads(found->path, tell, sums);
    each();
  }
}

// An upload that begins now has its date a moment after its directory.
void VerifyRepositories::look_at_uploads(const std::string& repository, const TellFinding& tell,
                                         VerifiedRepositories& sums) {
  static_cast<void>(each_upload(driver_, repository, [&](const std::string& path) -> Result<> {
    const auto date = driver_.get_content(path + "/startedat", max_date_bytes);
    if (date && parse_rfc3339(*date)) return {};
    const auto info = driver_.stat(path);
    const bool is_old = info && info->changed && *info->changed + old_upload < clock_.now();
    if (!is_old) return {};
    Finding finding{.kind = FindingKind::bad_upload, .why = "it has no date", .path = path};
    if (options_.mend) {
      const auto removed = driver_.remove(path, driver::Durability::scratch);
      finding.action = removed ? "removed" : "not removed: " + removed.error().message;
    }
    ++sums.findings;
    tell(finding);
    return {};
  }));
}

} // namespace berth::storage
