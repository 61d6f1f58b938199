// RetentionPolicies: which tags of which repositories stay (berth.retention.policies). A policy has nothing but entries
// that keep: a tag stays if any of them keeps it. What no policy is for stays.
// Threads: safe once made.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/names.h"
#include "model/repository_pattern.h"

namespace berth::storage {

// Keeps a tag that meets all of its conditions. Requires: one at least, and no empty list of tags.
struct KeepEntry {
  std::string origin;                             // for messages: where it was written
  std::optional<std::vector<std::string>> tags;   // globs, anchored: one of them fits; absent: any tag
  std::optional<std::size_t> newest;              // it is among so many newest tags that fit
  std::optional<std::chrono::nanoseconds> pushed; // it was pushed within this time
  std::optional<std::chrono::nanoseconds> pulled; // it was pulled, or pushed, within this time
};

struct RetentionPolicy {
  std::string origin;                               // for messages: where it was written
  std::vector<std::string> repositories;            // patterns
  std::vector<KeepEntry> keep;                      // one at least
  std::size_t minimum = 1;                          // so many newest tags stay in any case
  std::optional<std::chrono::nanoseconds> untagged; // how old an untagged manifest is when it goes; absent: it stays
};

class RetentionPolicies {
public:
  RetentionPolicies() = default; // none
  // Errors: invalid, for a policy or an entry that is for nothing, or that keeps nothing; the message has the origin,
  // the key, the value and what is allowed.
  static Result<RetentionPolicies> make(std::vector<RetentionPolicy> written);

  // The first whose patterns fit the repository, by its place in the list. Absent: none does.
  std::optional<std::size_t> find(const model::RepositoryName& repository) const;
  const RetentionPolicy& at(std::size_t number) const { return written_[number]; }
  bool empty() const { return written_.empty(); }
  bool asks_for_pulls() const; // whether any entry has `pulled`

private:
  std::vector<RetentionPolicy> written_;
  std::vector<std::vector<model::RepositoryPattern>> patterns_; // of each
};

} // namespace berth::storage
