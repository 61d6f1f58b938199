// What a caller sees of the list of repositories.
#pragma once

#include <cstddef>

#include "registry/registry.h"
#include "registry/v1_images.h"

namespace berth::api {

// A page of the names of the repositories that the caller may read, as Registry::repositories orders them; without
// may_read of all. It counts what is shown, and `more` says whether something shown follows. It looks at some thousand
// names (max_names_a_page) and may be short then, with more to come; as the next page can begin after a name that is
// shown only, it looks further until there is one, though not beyond max_names_in_all.
inline constexpr std::size_t max_names_a_page = 5000;
inline constexpr std::size_t max_names_in_all = 200'000;
Result<registry::Page> readable_repositories(registry::Registry& registry, const registry::MayRead& may_read,
                                             const registry::PageRequest& request);

} // namespace berth::api
