#include "app/commands/restore.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdio>
#include <map>
#include <optional>

#include "app/commands/commands.h"
#include "app/commands/complain.h"
#include "app/commands/store.h"
#include "model/manifest.h"
#include "storage/collect/removal_log.h"
#include "storage/collect/stored.h"
#include "storage/enumerate/contents.h"

namespace berth::app {
namespace {

using Json = nlohmann::ordered_json;
using model::CanonicalDigest;

constexpr int max_depth = 8; // of indexes of indexes

// A manifest that can be restored.
struct Parked {
  CanonicalDigest digest;
  std::optional<Time> until;          // absent: not known
  std::vector<std::string> tags = {}; // that a policy removed from it
};

class Restore {
public:
  Restore(Store& store, const model::RepositoryName& name)
      : store_(store), name_(name), repository_(store.registry().repository(name)) {}

  // The parked manifests of the repository, in the order of their digests. Errors: io.
  Result<std::vector<Parked>> parked() {
    std::vector<Parked> all;
    std::map<std::string, std::vector<std::string>> tags;
    for (const auto& [tag, removal] : removed_tags()) tags[removal.digest.str()].push_back(tag);
    BERTH_CHECK(
        storage::each_revision(store_.driver(), name_, [&](const auto& digest, const auto& directory) -> Result<> {
          const auto link = storage::stored_link(store_.driver(), directory, storage::Look::at_its_age);
          const auto canonical = CanonicalDigest::from(digest);
          if (!canonical || !link || !link->parked) return {};
          std::optional<Time> until;
          if (link->changed) until = *link->changed + store_.config().berth.collection.grace;
          all.push_back({*canonical, until, tags[canonical->str()]});
          return {};
        }));
    return all;
  }

  // Tags that a policy removed and that are not there, by name: the last removal of each.
  std::map<std::string, storage::Removal> removed_tags() {
    std::map<std::string, storage::Removal> tags;
    const auto read = storage::each_removal(store_.driver(), [&](const storage::Removal& removal) -> Result<> {
      if (removal.repository == name_ && removal.tag) tags.insert_or_assign(removal.tag->str(), removal);
      return {};
    });
    if (!read) complain(read.error());
    std::erase_if(tags, [&](const auto& each) { return repository_->tags().get(*each.second.tag).has_value(); });
    return tags;
  }

  // A manifest with all that it names: that first. Errors: not_found for what was freed.
  Result<> manifest(const model::Digest& digest, int depth = 0) {
    const auto found = repository_->manifests().get(digest, registry::Need::to_read);
    if (!found && is(found.error(), Code::manifest_unknown)) return gone("the manifest " + digest.str());
    BERTH_CHECK(found);
    BERTH_TRY(const model::ManifestInfo info, model::detect_manifest(found->bytes));
    for (const model::ContentReference& content : info.contents) BERTH_CHECK(named(content, digest, depth));
    const auto back = repository_->manifests().stat(digest);
    if (!back && is(back.error(), Code::manifest_unknown)) return gone("the manifest " + digest.str());
    BERTH_CHECK(back);
    return {};
  }

  Result<> tag(const model::Tag& tag, const CanonicalDigest& digest) {
    auto tagged = repository_->tags().tag(tag, digest, digest, registry::IfTagged::refuse);
    if (!tagged && is(tagged.error(), Code::exists))
      return fail(Code::exists, name_.str() + ":" + tag.str() + ": the tag is there, and names another manifest");
    return tagged;
  }

  // What was named and is not there.
  const std::vector<std::string>& missing() const { return missing_; }

private:
  static std::unexpected<Error> gone(const std::string& what) {
    return fail(Code::not_found, what + " is not there: it was freed, or deleted");
  }

  // A child, or a blob; a foreign layer, and what a sparse index leaves out, need not be there.
  Result<> named(const model::ContentReference& content, const model::Digest& by, int depth) {
    const auto child = depth < max_depth ? manifest(content.digest, depth + 1) : gone(content.digest.str());
    if (child) return {};
    const Error& why = child.error();
    if (!is(why, Code::not_found) && !is(why, Code::manifest_invalid) && !is(why, Code::corrupt)) return child;
    const auto blob = repository_->blobs().stat(content.digest);
    if (blob || !is(blob.error(), Code::blob_unknown)) return blob ? Result<>() : std::unexpected(blob.error());
    missing_.push_back(content.digest.str() + ", which " + by.str() + " names");
    return {};
  }

  Store& store_;
  const model::RepositoryName& name_;
  const std::unique_ptr<registry::Repository> repository_;
  std::vector<std::string> missing_;
};

std::string until_text(const std::optional<Time>& until) {
  return until ? to_rfc3339(std::chrono::floor<std::chrono::seconds>(*until)) : std::string("not known");
}

int list(Restore& restore, bool as_json) {
  const auto parked = restore.parked();
  if (!parked) return complain(parked.error());
  Json rows = Json::array();
  for (const Parked& one : *parked) {
    rows.push_back({{"digest", one.digest.str()}, {"until", until_text(one.until)}, {"tags", one.tags}});
    if (as_json) continue;
    std::string line = one.digest.str() + "  until " + until_text(one.until) + " at least";
    for (const std::string& tag : one.tags) line += "  " + tag;
    std::puts(line.c_str());
  }
  for (const auto& [tag, removal] : restore.removed_tags()) {
    const bool listed = std::ranges::any_of(*parked, [&](const Parked& one) { return one.digest == removal.digest; });
    if (listed) continue; // else its manifest is there still, or gone
    rows.push_back({{"digest", removal.digest.str()}, {"tags", {tag}}, {"removed", to_rfc3339(removal.time)}});
    if (!as_json)
      std::printf("%s  %s, removed %s by %s\n", removal.digest.str().c_str(), tag.c_str(),
                  to_rfc3339(removal.time).c_str(), removal.rule.c_str());
  }
  if (as_json) std::puts(rows.dump(2).c_str());
  return exit_ok;
}

// One manifest, and the tag that it is to have.
Result<> restore_one(Restore& restore, const model::Digest& digest, const std::optional<model::Tag>& tag) {
  BERTH_CHECK(restore.manifest(digest));
  if (!tag) return {};
  const auto canonical = CanonicalDigest::from(digest);
  if (!canonical) return fail(Code::invalid, digest.str() + ": --tag takes a sha256 digest");
  return restore.tag(*tag, *canonical);
}

Result<std::vector<CanonicalDigest>> all_parked(Restore& restore) {
  BERTH_TRY(const auto parked, restore.parked());
  std::vector<CanonicalDigest> digests;
  for (const Parked& one : parked) digests.push_back(one.digest);
  return digests;
}

Result<std::size_t> restore_what(Restore& restore, const ImageName& name, std::optional<model::Tag> tag) {
  if (!name.reference) {
    if (tag) return fail(Code::invalid, "--tag takes one manifest: REPOSITORY@DIGEST");
    BERTH_TRY(const auto digests, all_parked(restore));
    for (const CanonicalDigest& digest : digests) BERTH_CHECK(restore_one(restore, digest, {}));
    return digests.size();
  }
  if (const auto* digest = std::get_if<model::Digest>(&*name.reference)) {
    BERTH_CHECK(restore_one(restore, *digest, tag));
    return 1;
  }
  const model::Tag& removed = std::get<model::Tag>(*name.reference);
  const auto tags = restore.removed_tags();
  const auto found = tags.find(removed.str());
  if (found == tags.end())
    return fail(Code::not_found, name.repository.str() + ":" + removed.str() +
                                     ": no policy has removed such a tag, or it is there; --list says what can be "
                                     "restored");
  BERTH_CHECK(restore_one(restore, found->second.digest, tag ? *tag : removed));
  return 1;
}

bool tag_is_named(const ImageName& name) {
  return name.reference && std::holds_alternative<model::Tag>(*name.reference);
}

} // namespace

int restore(const std::vector<std::string>& words, const Restoring& restoring) {
  const auto asked = split_config(words);
  if (!asked) return complain(asked.error());
  if (asked->rest.size() != 1)
    return complain(fail(Code::invalid, "restore takes one REPOSITORY, REPOSITORY:TAG or REPOSITORY@DIGEST").error());
  const auto name = parse_image_name(asked->rest.front());
  if (!name) return complain(name.error());
  std::optional<model::Tag> tag;
  if (!restoring.tag.empty()) {
    auto parsed = model::Tag::parse(restoring.tag);
    if (!parsed) return complain(fail(Code::invalid, "--tag: \"" + restoring.tag + "\" is no tag").error());
    tag = *std::move(parsed);
  }
  const auto store = Store::open(asked->config);
  if (!store) return complain(store.error());
  Restore restore(**store, name->repository);
  if (restoring.list) return list(restore, restoring.json);
  if ((*store)->config().storage.read_only)
    return complain(fail(Code::io, "the registry is read-only: nothing is restored").error());
  const auto restored = restore_what(restore, *name, std::move(tag));
  for (const std::string& digest : restore.missing())
    std::fprintf(stderr, "berth: %s: it is not there\n", digest.c_str());
  if (!restored) return complain(restored.error());
  std::printf("restored %s\n", (std::to_string(*restored) + (*restored == 1 ? " manifest" : " manifests")).c_str());
  const bool tagged = tag_is_named(*name) || !restoring.tag.empty();
  if (*restored > 0 && !tagged)
    std::fputs("berth: note: without a tag they go again where untagged manifests do; --tag gives one\n", stderr);
  return restore.missing().empty() ? exit_ok : exit_failure;
}

} // namespace berth::app
