// What rules for tags are made of, as config.yml has them: patterns of repositories and globs of tags, anchored at both
// ends. Pure. Errors: invalid, for what nothing can fit; the message has the origin, the value and what is allowed.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/names.h"
#include "model/repository_pattern.h"

namespace berth::storage {

inline constexpr std::string_view tag_pattern_form = "a tag, in which * stands for any characters";

// origin: where the value was written, with its key.
std::unexpected<Error> refuse_rule(const std::string& origin, std::string_view value, std::string_view allowed);

// The patterns of a rule's repositories, one at least.
Result<std::vector<model::RepositoryPattern>> repositories_of(const std::string& origin,
                                                              const std::vector<std::string>& texts);
// Whether some tag fits each of the globs.
Result<> check_tag_globs(const std::string& origin, const std::vector<std::string>& globs);

bool any_fits(const std::vector<std::string>& globs, const model::Tag& tag);
bool any_fits(const std::vector<model::RepositoryPattern>& patterns, const model::RepositoryName& repository);

} // namespace berth::storage
