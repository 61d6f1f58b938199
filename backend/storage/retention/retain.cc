#include "storage/retention/retain.h"

#include <algorithm>
#include <set>
#include <utility>

#include "storage/blobs/link_set.h"
#include "storage/collect/references.h"
#include "storage/collect/stored.h"
#include "storage/enumerate/contents.h"
#include "storage/enumerate/repositories.h"
#include "storage/paths.h"

namespace berth::storage {
namespace {

using model::RepositoryName;

// A tag that is to go, as it was when it was judged.
struct Doomed {
  Removal removal;
  Time pushed;
};

class Retention {
public:
  Retention(const RetentionParts& parts, const RetentionOptions& options, RetentionListener& listener)
      : parts_(parts), options_(options), listener_(listener) {}

  Result<Retained> run() {
    Repositories repositories(parts_.driver, [this](const std::string& path, const Error& why) -> Result<> {
      failed(path, why);
      return {};
    });
    for (;;) {
      BERTH_TRY(const auto found, repositories.next());
      if (!found) break;
      if (found->name && found->has_manifests) BERTH_CHECK(repository(*found->name));
    }
    BERTH_CHECK(remove_doomed());
    return sums_;
  }

private:
  Result<> repository(const RepositoryName& name) {
    const auto policy = parts_.policies.find(name);
    if (!policy || (options_.repository && !options_.repository->fits(model::components_of(name.str()), {}))) return {};
    const auto tags = facts_of(name);
    if (!tags) {
      failed(paths::tags(name), tags.error());
      return {};
    }
    ++sums_.repositories;
    listener_.repository(name);
    return judge(name, *policy, *tags);
  }

  Result<> judge(const RepositoryName& name, std::size_t policy, const std::vector<TagFacts>& tags) {
    const auto verdicts = judge_tags(parts_.policies.at(policy), tags, options_.moment);
    const auto is_asked = [&](std::size_t i) { return !options_.tag || *options_.tag == tags[i].tag; };
    std::size_t images = 0, fewer = 0; // tags of artifacts do not count: they would make the limit wider
    for (std::size_t i = 0; i < tags.size(); ++i) {
      if (subject_of(tags[i].tag)) continue;
      ++images;
      fewer += is_asked(i) && !verdicts[i].kept ? 1 : 0;
    }
    const bool is_stopped = !options_.force && is_beyond_limit(fewer, images, options_.limit);
    if (is_stopped) {
      ++sums_.stopped;
      listener_.stopped(name, fewer, images);
    }
    for (std::size_t i = 0; i < tags.size(); ++i) {
      if (!is_asked(i)) continue;
      ++sums_.tags;
      listener_.tag({name, policy, tags[i], verdicts[i], is_stopped && !verdicts[i].kept});
      if (!verdicts[i].kept && !is_stopped) BERTH_CHECK(doom(name, policy, tags[i], verdicts[i].why));
    }
    return {};
  }

  // Adds it to the batch.
  Result<> doom(const RepositoryName& name, std::size_t policy, const TagFacts& facts, const std::string& why) {
    ++sums_.to_go;
    if (options_.dry_run) return {};
    std::string rule = "policies[" + std::to_string(policy) + "]: " + why;
    doomed_.push_back({{options_.moment.now, name, facts.tag, facts.digest, std::move(rule)}, *facts.pushed});
    return doomed_.size() == max_removals ? remove_doomed() : Result<>();
  }

  // A tag whose file cannot be read is none that anybody judges.
  Result<std::vector<TagFacts>> facts_of(const RepositoryName& name) {
    std::vector<TagFacts> all;
    BERTH_CHECK(each_tag(parts_.driver, name, [&](const model::Tag& tag) -> Result<> {
      const std::string link = paths::tag_current_link(name, tag);
      const auto info = parts_.driver.stat(link);
      const auto target = info ? read_link(parts_.driver, link) : std::unexpected(info.error());
      if (!target) return {};
      TagFacts facts{tag, *target, info->changed, {}, spared(name, tag), true};
      if (parts_.pulls != nullptr) facts.pulled = pulled(name, facts);
      if (const auto subject = subject_of(tag)) facts.subject_is_there = is_there(name, *subject);
      all.push_back(std::move(facts));
      return {};
    }));
    return all;
  }

  TagFacts::Spared spared(const RepositoryName& name, const model::Tag& tag) const {
    if (parts_.immutable.has(name, tag)) return TagFacts::Spared::immutable;
    return parts_.protected_tags.has(name, tag) ? TagFacts::Spared::by_protection : TagFacts::Spared::no;
  }

  // Whoever pulls a manifest by its digest, or one that an index lists, pulls what its tags are for.
  std::optional<Time> pulled(const RepositoryName& name, const TagFacts& tag) const {
    std::optional<Time> last = parts_.pulls->last(name, tag.tag.str());
    const auto add = [&](const model::Digest& digest) {
      const auto one = parts_.pulls->last(name, digest.str());
      if (one && (!last || *one > *last)) last = one;
    };
    add(tag.digest);
    const auto bytes = manifest_bytes(parts_.driver, tag.digest);
    const auto references = bytes ? references_of(tag.digest, *bytes) : std::unexpected(bytes.error());
    if (references && references->is_index) std::ranges::for_each(references->contents, add);
    if (last) last = std::min(*last, options_.moment.now); // the hour may not be over
    return last;
  }

  // Also if it is parked: it may be restored yet.
  bool is_there(const RepositoryName& name, const model::CanonicalDigest& manifest) const {
    const std::string directory = paths::directory_of(paths::revision_link(name, manifest));
    return stored_link(parts_.driver, directory, Look::at_its_age).has_value();
  }

  Result<> remove_doomed() {
    if (doomed_.empty()) return {};
    std::vector<Removal> all, removed;
    for (const Doomed& each : doomed_) all.push_back(each.removal);
    BERTH_TRY(RemovalBatch batch, RemovalBatch::begin(parts_.driver, parts_.random, options_.moment.now, all));
    std::set<std::string> changed; // directories of tags
    for (const Doomed& each : doomed_) {
      const Removal& what = each.removal;
      const auto gone = remove_if_unchanged(each);
      if (!gone) {
        failed(what.repository.str() + ":" + what.tag->str(), gone.error());
      } else if (!*gone) {
        listener_.passed_by(what);
      } else {
        removed.push_back(what);
        changed.insert(paths::tags(what.repository));
        listener_.removed(what);
      }
    }
    for (const std::string& directory : changed)
      if (const auto settled = parts_.driver.settle(directory); !settled) failed(directory, settled.error());
    sums_.removed += removed.size();
    doomed_.clear();
    if (const auto ended = batch.end(removed); !ended) failed("the log of removals", ended.error());
    return {};
  }

  // False if it is not as it was when it was judged.
  Result<bool> remove_if_unchanged(const Doomed& doomed) {
    const auto& [name, tag] = std::tie(doomed.removal.repository, *doomed.removal.tag);
    BERTH_TRY(const auto lock, parts_.locks.exclusive(paths::tag_lock(name, tag)));
    const std::string link = paths::tag_current_link(name, tag);
    const auto info = parts_.driver.stat(link);
    if (!info || info->changed != doomed.pushed) return false;
    const auto target = read_link(parts_.driver, link);
    if (!target || *target != doomed.removal.digest) return false;
    const auto gone = parts_.driver.discard(paths::tag(name, tag));
    if (!gone && is(gone.error(), Code::not_found)) return false;
    BERTH_CHECK(gone);
    return true;
  }

  void failed(const std::string& what, const Error& why) {
    ++sums_.failed;
    listener_.failed(what, why);
  }

  const RetentionParts& parts_;
  const RetentionOptions& options_;
  RetentionListener& listener_;
  std::vector<Doomed> doomed_;
  Retained sums_;
};

} // namespace

Result<Retained> retain(const RetentionParts& parts, const RetentionOptions& options, RetentionListener& listener) {
  return Retention(parts, options, listener).run();
}

} // namespace berth::storage
