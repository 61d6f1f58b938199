// The sections that say who may use the registry, auth and berth.access, as wholes: a config that asks for access
// control never starts an open registry, so that half a section is refused, and so is one under a name that is almost
// right. For config/ alone.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "config/config.h"
#include "config/node.h"

namespace berth::config {

// Errors: invalid, for a key that no row of the table has and that may have been meant for access control. path: of
// the section that it stands in; empty at the top.
Result<> refuse_lost_access(const Member& member, const std::string& path);

// Whether a path of keys that no row has, as a variable names it, may have been meant for berth.access.
bool may_mean_access(std::string_view path);

// The kind of auth. Errors: invalid for a section that lacks what it needs.
Result<> read_auth(const Node& root, Auth& into);

// What berth.access needs beyond its single values. Requires: the keys are read, and auth is.
Result<> read_access(const Node& root, Config& config);

} // namespace berth::config
