// The tags that a config makes immutable.
#pragma once

#include "base/result.h"
#include "config/config.h"
#include "storage/manifests/immutable_tags.h"

namespace berth::app {

// Errors: invalid; the message is `FILE:LINE: key: "value": allowed is ...`.
Result<storage::ImmutableTags> immutable_tags_of(const config::Config& config);

} // namespace berth::app
