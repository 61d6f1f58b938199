// The values of storage.s3: what ends in URLs and headers has a grammar. For config/ alone.
// Errors: invalid, the message says what is allowed.
#pragma once

#include <string>

#include "base/result.h"
#include "config/keys.h"

namespace berth::config {

Result<std::string> to_bucket(const Node& node);
Result<std::string> to_region(const Node& node);
Result<std::string> to_endpoint(const Node& node); // of a URL: scheme and host
Result<std::string> to_redirect_endpoint(const Node& node);
Result<std::string> to_key(const Node& node);
Result<std::string> to_key_prefix(const Node& node); // without slashes around it
Result<std::string> to_header_text(const Node& node);
Result<std::string> to_storage_class(const Node& node); // NONE: empty
Result<std::string> to_acl(const Node& node);
Result<> refuse_old_signatures(const Reading& reading);

} // namespace berth::config
