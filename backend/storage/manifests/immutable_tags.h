// ImmutableTags: tags that keep the manifest they have: who pushes another one, or deletes them, is refused
// (berth.immutable). docker-registry on the same store does not know of them. Rules of the same form say which tags no
// policy of retention removes (berth.protected).
// Threads: safe once made.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "model/names.h"
#include "model/repository_pattern.h"

namespace berth::storage {

// A rule as it was written: the tags that one of `tags` fits and none of `except`, in the repositories that one of
// `repositories` fits. Globs, anchored at both ends.
struct WrittenImmutable {
  std::string origin; // for messages: where it was written
  std::vector<std::string> repositories, tags, except;
};

class ImmutableTags {
public:
  ImmutableTags() = default; // none is
  // Errors: invalid, for what no repository or tag can fit; the message has the origin, the value and what is allowed.
  static Result<ImmutableTags> make(const std::vector<WrittenImmutable>& written);

  bool has(const model::RepositoryName& repository, const model::Tag& tag) const;
  // Whether it may have any of this repository.
  bool has_some(const model::RepositoryName& repository) const;

private:
  struct Rule {
    std::vector<model::RepositoryPattern> repositories;
    std::vector<std::string> tags, except;
  };
  std::vector<Rule> rules_;
};

} // namespace berth::storage
