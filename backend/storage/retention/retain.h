// retain(): one run of the policies over a store: judges the tags of every repository that a policy is for, and removes
// those that nothing keeps; tags alone, never manifests. It works while the registry is in use: a tag that was pushed
// since it was judged stays. What is removed is in the log of removals before it goes (storage/collect/removal_log.h).
// Cost: two looks at a tag's link file. Memory: the tags of one repository, and max_removals.
// Threads: one. Borrows: all that is passed. Spec: docs/operations.md, "Retention".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "driver/locks.h"
#include "driver/storage_driver.h"
#include "storage/collect/removal_log.h"
#include "storage/manifests/immutable_tags.h"
#include "storage/retention/judge_tags.h"
#include "storage/retention/policies.h"
#include "storage/retention/pull_times.h"

namespace berth::storage {

struct RetentionParts {
  driver::StorageDriver& driver;
  driver::Locks& locks;
  Random& random;
  const RetentionPolicies& policies;
  const ImmutableTags& immutable;
  const ImmutableTags& protected_tags;
  const PullTimes* pulls; // null: no policy asks for them
};

struct RetentionOptions {
  Moment moment;
  bool dry_run = false; // judges, and removes nothing
  bool force = false;   // whatever the limit says
  unsigned limit = 50;  // percent of a repository's tags, but those of artifacts, that a run removes
  std::optional<model::RepositoryPattern> repository = {}; // these alone
  std::optional<model::Tag> tag = {};                      // this one alone; all others count as ever
};

// A tag, and what a policy says of it.
struct Judged {
  const model::RepositoryName& repository;
  std::size_t policy; // its place in the list
  const TagFacts& facts;
  const Verdict& verdict;
  bool is_stopped; // it stays all the same, as too many were to go
};

// Threads: called by one.
class RetentionListener {
public:
  virtual ~RetentionListener() = default;
  virtual void repository(const model::RepositoryName&) {} // a policy is for it
  virtual void tag(const Judged&) {}
  // The limit: none of so many that were to go goes. Before the repository's tags.
  virtual void stopped(const model::RepositoryName&, std::size_t /*removed*/, std::size_t /*all*/) {}
  virtual void removed(const Removal&) {}
  // It stays, though it was to go: it was pushed, or removed, meanwhile.
  virtual void passed_by(const Removal&) {}
  virtual void failed(const std::string& /*what*/, const Error& /*why*/) {}
};

struct Retained {
  std::uint64_t repositories = 0, tags = 0; // that were judged
  std::uint64_t to_go = 0, removed = 0;
  std::uint64_t stopped = 0; // repositories
  std::uint64_t failed = 0;  // of anything; the next run tries again
};

// Errors: io; those of writing to the log of removals: then nothing of that batch was removed.
Result<Retained> retain(const RetentionParts& parts, const RetentionOptions& options, RetentionListener& listener);

} // namespace berth::storage
