#include "storage/collect/needed_revisions.h"

#include <algorithm> // NOLINT(misc-include-cleaner): std::ranges::lower_bound
#include <utility>

#include "storage/blobs/link_set.h"
#include "storage/collect/references.h"
#include "storage/enumerate/contents.h"
#include "storage/paths.h"

namespace berth::storage {
namespace {

class Needs {
public:
  Needs(driver::StorageDriver& driver, const model::RepositoryName& name, const std::vector<Revision>& revisions,
        std::vector<bool> needed)
      : driver_(driver), name_(name), revisions_(revisions), needed_(std::move(needed)), leads_to_(revisions.size()) {}

  Result<std::vector<bool>> run() {
    BERTH_CHECK(each_tag(driver_, name_, [this](const model::Tag& tag) -> Result<> {
      if (const auto target = read_link(driver_, paths::tag_current_link(name_, tag)))
        if (const auto tagged = index_of(*target)) needed_[*tagged] = true;
      return {};
    }));
    for (std::size_t i = 0; i < revisions_.size(); ++i) read(i);
    for (std::size_t i = 0; i < revisions_.size(); ++i)
      if (needed_[i]) spread(i);
    return std::move(needed_);
  }

private:
  std::optional<std::size_t> index_of(const model::CanonicalDigest& digest) const {
    const auto found = std::ranges::lower_bound(revisions_, digest, {}, &Revision::digest);
    if (found == revisions_.end() || found->digest != digest) return std::nullopt;
    return static_cast<std::size_t>(found - revisions_.begin());
  }

  std::optional<std::size_t> find(const model::Digest& digest) {
    const auto canonical = canonical_of(driver_, name_, digest);
    return canonical ? index_of(*canonical) : std::nullopt;
  }

  // What a revision needs, and whose need is its own.
  void read(std::size_t i) {
    const model::CanonicalDigest& digest = revisions_[i].digest;
    const auto bytes = manifest_bytes(driver_, digest);
    const auto references = bytes ? references_of(digest, *bytes) : std::unexpected(bytes.error());
    if (!references) {
      // Nobody knows what it is: it stays, unless it was parked by who did.
      if (!revisions_[i].link.parked) needed_[i] = true;
      return;
    }
    if (references->is_index)
      for (const model::Digest& child : references->contents)
        if (const auto found = find(child)) leads_to_[i].push_back(*found);
    if (references->subject)
      if (const auto subject = find(*references->subject)) leads_to_[*subject].push_back(i);
  }

  void spread(std::size_t from) {
    std::vector<std::size_t> open{from};
    while (!open.empty()) {
      const std::size_t at = open.back();
      open.pop_back();
      for (const std::size_t next : std::exchange(leads_to_[at], {})) { // once is enough
        needed_[next] = true;
        open.push_back(next);
      }
    }
  }

  driver::StorageDriver& driver_;
  const model::RepositoryName& name_;
  const std::vector<Revision>& revisions_;
  std::vector<bool> needed_;
  std::vector<std::vector<std::size_t>> leads_to_; // by revision: what is needed if it is
};

} // namespace

Result<std::vector<bool>> needed_revisions(driver::StorageDriver& driver, const model::RepositoryName& name,
                                           const std::vector<Revision>& revisions, std::vector<bool> anyway) {
  return Needs(driver, name, revisions, std::move(anyway)).run();
}

} // namespace berth::storage
