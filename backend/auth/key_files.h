// KeyFiles: a KeySet from files that may change at any time.
#pragma once

#include <memory>
#include <string>

#include "auth/key_set.h"
#include "auth/reread.h"
#include "base/log.h"
#include "base/result.h"

namespace berth::auth {

using KeyFiles = Reread<KeySet>;

// An empty path: no such file. The log has one line for files that are not taken, and one for a change. Borrows:
// logger. Errors: not_found, io, size_invalid, invalid; the message names the key of the configuration and the path.
Result<std::unique_ptr<KeyFiles>> open_key_files(const std::string& bundle_path, const std::string& jwks_path,
                                                 Logger& logger);

} // namespace berth::auth
