// The mark of a collection: what is live in a store, and which links are dead, at one moment. It reads only.
//
// Roots are the revisions of every repository, and what each names: config, layers, children, signatures, through
// aliases where it names them under another digest than sha256; layers whose link is young, as their manifest is yet to
// come; and the layers of v1 images that a live manifest was made of, or that are being pushed. A revision that is
// parked stays a root until it is about to be freed. Of a revision that cannot be read everything is kept that it could
// name: what looks like a digest in its bytes, and all layers of its repository.
//
// Dead are the links of layers that no manifest of their repository names and that are older than the grace; and, if
// untagged manifests go, the revisions that needed_revisions.h has no need for. A parked link that is not dead is not
// to be freed; one that is revived has its place back before anybody asks.
//
// What is read is what was there when the mark began, or came since: whoever frees because of it waits for the grace
// (docs/decisions/0046). A directory that cannot be listed ends it, as it might hold roots; nothing else does.
// Memory: 32 bytes a live blob, the links of one repository a reader, and a page of names.
// Threads: one; it starts readers of its own. Spec: docs/storage-layout.md.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include "base/clock.h"
#include "driver/storage_driver.h"
#include "model/names.h"
#include "storage/collect/live_set.h"

namespace berth::storage {

struct MarkOptions {
  Time began{};                                     // by the clock of the store
  std::chrono::nanoseconds grace{};                 // what is younger is kept; 0: nothing is young, and nothing waits
  std::optional<std::chrono::nanoseconds> untagged; // how old an untagged manifest is when it goes; absent: it stays
  // Where it is set, says the same of each repository instead. Threads: called by all readers.
  std::function<std::optional<std::chrono::nanoseconds>(const model::RepositoryName&)> untagged_in = {};
  unsigned readers = 8;                              // repositories that are read at once
  std::function<bool()> stop = [] { return false; }; // asked between repositories
};

enum class LinkKind { layer, manifest, manifest_alias };

// A link of a repository. The file is `link`, or `collected` beside it if it is parked.
struct FoundLink {
  LinkKind kind{};
  model::Digest digest;
  std::string directory; // that has the file
  bool parked = false;
};

// Told as the mark goes, repository by repository in the order of Repositories (storage/enumerate/repositories.h).
// Threads: called by one at a time.
class MarkListener {
public:
  virtual ~MarkListener() = default;
  virtual void repository(const model::RepositoryName&) {}
  virtual void manifest(const model::RepositoryName&, const model::CanonicalDigest&) {} // that is kept
  virtual void blob(const model::RepositoryName&, const model::Digest&) {}              // as a manifest names it
  virtual void dead(const model::RepositoryName&, const FoundLink&) {}
  virtual void revived(const model::RepositoryName&, const FoundLink&) {} // parked, and needed
  // Once a manifest: why it cannot be read.
  virtual void unreadable(const model::RepositoryName&, const model::CanonicalDigest&, const std::string& /*why*/) {}
  // A directory of repositories, or a record of a v1 image, that is passed over, or whose references are all kept.
  virtual void odd(const std::string& /*path*/, const std::string& /*why*/) {}
};

// Adds all that is live to a set, and seals it. False if it was stopped: then the set is not whole, and nothing follows
// from it. Errors: io, not_permitted.
Result<bool> mark(driver::StorageDriver& driver, const MarkOptions& options, LiveSet& live, MarkListener& listener);

} // namespace berth::storage
