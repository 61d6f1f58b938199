#include "storage/collect/mark_repository.h"

#include <algorithm>
#include <set>

#include "storage/collect/needed_revisions.h"
#include "storage/collect/references.h"
#include "storage/enumerate/contents.h"
#include "storage/paths.h"

namespace berth::storage {
namespace {

using model::CanonicalDigest;
using model::Digest;

class RepositoryMark {
public:
  RepositoryMark(driver::StorageDriver& driver, const MarkOptions& options, bool has_v1, Findings& findings)
      : driver_(driver),
        options_(options),
        name_(findings.repository()),
        has_v1_(has_v1),
        untagged_(options.untagged_in ? options.untagged_in(name_) : options.untagged),
        findings_(findings) {}

  Result<> run() {
    BERTH_CHECK(read_revisions());
    BERTH_TRY(const std::vector<bool> needed, judge());
    for (std::size_t i = 0; i < revisions_.size(); ++i) visit(revisions_[i], needed[i]);
    BERTH_CHECK(visit_layers());
    if (dead_.size() > 0) BERTH_CHECK(visit_aliases());
    if (has_v1_) BERTH_CHECK(visit_images());
    return {};
  }

private:
  enum class Told { yes, no };

  Result<> read_revisions() {
    return each_revision(driver_, name_, [this](const Digest& digest, const std::string& directory) -> Result<> {
      const auto canonical = CanonicalDigest::from(digest);
      auto link = stored_link(driver_, directory, Look::at_its_target);
      if (!canonical || !link) return {};
      if (untagged_ && !link->parked)
        if (const auto dated = stored_link(driver_, directory, Look::at_its_age)) link->changed = dated->changed;
      revisions_.push_back({*canonical, *std::move(link)});
      return {};
    });
  }

  // Which revisions are needed. All are, unless untagged ones go; but what is parked has to be needed by something.
  Result<std::vector<bool>> judge() {
    std::vector<bool> anyway(revisions_.size());
    for (std::size_t i = 0; i < revisions_.size(); ++i) {
      const StoredLink& link = revisions_[i].link;
      anyway[i] = !link.parked && (!untagged_ || is_young(options_, link.changed, *untagged_));
    }
    const bool all = std::ranges::all_of(anyway, std::identity());
    if (all) return anyway;
    return needed_revisions(driver_, name_, revisions_, std::move(anyway));
  }

  std::string directory_of(const Revision& revision) const {
    return paths::directory_of(paths::revision_link(name_, revision.digest));
  }

  void visit(const Revision& revision, bool needed) {
    const StoredLink& link = revision.link;
    const FoundLink found{LinkKind::manifest, revision.digest, directory_of(revision), link.parked};
    if (!needed) {
      findings_.add(FoundDead{found});
      dead_.add(revision.digest);
    } else if (link.parked) {
      findings_.add(FoundRevived{found});
    }
    const std::chrono::nanoseconds grace = options_.grace;
    // What is about to be parked, or was a moment ago, may be asked for yet.
    if (!needed && !(link.parked ? is_young(options_, link.changed, grace) : grace.count() > 0)) return;
    const Told told = needed ? Told::yes : Told::no;
    keep_manifest(revision.digest, told);
    if (link.target && *link.target != revision.digest) keep_manifest(*link.target, told);
  }

  // Keeps a manifest and all that it names.
  void keep_manifest(const CanonicalDigest& digest, Told told) {
    if (told == Told::yes) findings_.add(FoundManifest{digest});
    findings_.add(FoundLive{digest});
    roots_.add(digest);
    const auto bytes = manifest_bytes(driver_, digest);
    const auto references = bytes ? references_of(digest, *bytes) : std::unexpected(bytes.error());
    if (references)
      for (const Digest& named : references->contents) keep_blob(named, told);
    else
      keep_what_it_may_name(digest, bytes.value_or(""), references.error());
    if (!references || references->is_schema1) keep_signatures(digest);
  }

  void keep_what_it_may_name(const CanonicalDigest& digest, const std::string& bytes, const Error& why) {
    const std::string& text = !why.message.empty() ? why.message : why.detail;
    findings_.add(FoundUnreadable{digest, is(why, Code::not_found) ? "it is gone" : text});
    keeps_all_layers_ = true;
    each_digest_in(bytes, [this](const Digest& named) { keep_blob(named, Told::no); });
  }

  void keep_blob(const Digest& named, Told told) {
    if (told == Told::yes) findings_.add(FoundBlob{named});
    const auto canonical = canonical_of(driver_, name_, named);
    if (named.algorithm() != CanonicalDigest::canonical_algorithm) other_names_.insert(named.str());
    if (!canonical) return;
    findings_.add(FoundLive{*canonical});
    named_.add(*canonical);
  }

  void keep_signatures(const CanonicalDigest& manifest) {
    const auto listed = each_signature(driver_, name_, manifest, [this](const Digest& digest, const auto&) -> Result<> {
      if (const auto canonical = CanonicalDigest::from(digest)) findings_.add(FoundLive{*canonical});
      return {};
    });
    if (!listed && !failed_) failed_ = listed.error();
  }

  // Layers, and configs, by their links.
  struct Layer {
    Digest digest;
    std::string directory;
  };

  Result<> visit_layers() {
    if (failed_) return std::unexpected(*failed_);
    named_.seal();
    std::vector<Layer> unnamed;
    BERTH_CHECK(each_layer(driver_, name_, [&](const Digest& digest, const std::string& directory) -> Result<> {
      if (!is_named(digest))
        unnamed.push_back({digest, directory});
      else
        revive(digest, directory);
      return {};
    }));
    // A manifest among them names others of them.
    std::erase_if(unnamed, [this](const Layer& layer) { return keep_misplaced_manifest(layer.digest); });
    named_.seal();
    for (const Layer& layer : unnamed) visit_unnamed(layer);
    return {};
  }

  bool is_named(const Digest& digest) const {
    const auto canonical = CanonicalDigest::from(digest);
    return canonical ? named_.has(*canonical) : other_names_.contains(digest.str());
  }

  // It may have been parked before it was named.
  void revive(const Digest& digest, const std::string& directory) {
    const auto link = stored_link(driver_, directory, Look::at_its_age);
    if (link && link->parked) findings_.add(FoundRevived{{LinkKind::layer, digest, directory, true}});
  }

  bool keep_misplaced_manifest(const Digest& digest) {
    const auto canonical = CanonicalDigest::from(digest);
    if (!canonical || !is_misplaced_manifest(driver_, *canonical)) return false;
    keep_manifest(*canonical, Told::yes);
    return true;
  }

  void visit_unnamed(const Layer& layer) {
    if (is_named(layer.digest)) return;
    const auto link = stored_link(driver_, layer.directory, Look::at_its_age);
    if (!link) return;
    const auto target = canonical_of(driver_, name_, layer.digest);
    const bool is_alias = target && *target != layer.digest;
    if (is_alias && named_.has(*target)) return; // it lives with what it leads to
    const FoundLink found{LinkKind::layer, layer.digest, layer.directory, link->parked};
    const bool young = !link->parked && is_young(options_, link->changed, options_.grace);
    if (!young && !keeps_all_layers_) return findings_.add(FoundDead{found});
    if (link->parked) findings_.add(FoundRevived{found});
    if (target) findings_.add(FoundLive{*target});
  }

  // An alias is dead when the revision is that it leads to.
  Result<> visit_aliases() {
    dead_.seal();
    return each_alias(driver_, name_, [this](const Digest& digest, const std::string& directory) -> Result<> {
      const auto link = stored_link(driver_, directory, Look::at_its_target);
      if (link && link->target && dead_.has(*link->target))
        findings_.add(FoundDead{{LinkKind::manifest_alias, digest, directory, link->parked}});
      return {};
    });
  }

  Result<> visit_images() {
    roots_.seal();
    return each_v1_pushed(driver_, name_, [this](const CanonicalDigest& manifest, const std::string& file) -> Result<> {
      if (!roots_.has(manifest)) return {};
      const auto text = driver_.get_content(file, model::ImageId::length);
      const auto id = text ? model::ImageId::parse(*text) : std::unexpected(text.error());
      if (id) findings_.add(FoundImage{*id});
      return {};
    });
  }

  driver::StorageDriver& driver_;
  const MarkOptions& options_;
  const model::RepositoryName& name_;
  const bool has_v1_;
  const std::optional<std::chrono::nanoseconds> untagged_;
  Findings& findings_;
  std::vector<Revision> revisions_;
  bool keeps_all_layers_ = false;
  LiveSet roots_, dead_, named_;      // of revisions; of blobs that manifests name
  std::set<std::string> other_names_; // digests of other algorithms that manifests name
  std::optional<Error> failed_;
};

} // namespace

bool is_young(const MarkOptions& options, const std::optional<Time>& changed, std::chrono::nanoseconds grace) {
  return grace.count() > 0 && (!changed || *changed + grace > options.began);
}

Result<> mark_repository(driver::StorageDriver& driver, const MarkOptions& options, bool has_v1, Findings& findings) {
  return RepositoryMark(driver, options, has_v1, findings).run();
}

} // namespace berth::storage
