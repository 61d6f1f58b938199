// RepositoryPattern: which repositories a rule is for. Components joined by '/': `*` stands for any characters within a
// component, `**`, as a component of its own, for any components (at the end for one at least: `team/**` is what lies
// below team, and not team), `{user}` for the caller's name.
// Threads: safe once made.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace berth::model {

// What a pattern may be, for messages.
inline constexpr std::string_view repository_pattern_form =
    "the name of a repository, in which * stands for any characters of a component, ** for any components, and {user} "
    "for the user's name";

class RepositoryPattern {
public:
  static constexpr std::size_t max_bytes = 512;

  // Errors: invalid if no valid name of a repository fits the pattern, or if it is longer than max_bytes; the message
  // says why.
  static Result<RepositoryPattern> parse(std::string_view text);

  bool names_user() const { return names_user_; } // whether {user} is in it
  bool fits_all() const;                          // whether every name fits it

  // The components: of a valid name. user: one valid component, or empty, which no {user} stands for.
  bool fits(std::span<const std::string_view> components, std::string_view user) const;

private:
  std::vector<std::string> parts_; // globs of one component; "**": any number of components, none too
  bool names_user_ = false;
};

// The components of a name; views of it.
std::vector<std::string_view> components_of(std::string_view name);

} // namespace berth::model
