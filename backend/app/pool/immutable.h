// The rules for tags that a config has: which are immutable, which are protected, and which stay.
// Errors: invalid; the message is `FILE:LINE: key: "value": allowed is ...`.
#pragma once

#include "base/result.h"
#include "config/config.h"
#include "storage/manifests/immutable_tags.h"
#include "storage/retention/policies.h"

namespace berth::app {

Result<storage::ImmutableTags> immutable_tags_of(const config::Config& config);
Result<storage::ImmutableTags> protected_tags_of(const config::Config& config);
Result<storage::RetentionPolicies> policies_of(const config::Config& config);
// Whether all of them can be kept.
Result<> check_tag_rules(const config::Config& config);

} // namespace berth::app
