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

// Where it comes from, with the keys of the configuration that say so. An empty path: no such file.
struct KeyPaths {
  std::string bundle, jwks;
  std::string bundle_key = "auth.token.rootcertbundle", jwks_key = "auth.token.jwks";
};

// The log has one line for files that are not taken, and one for a change. Borrows: logger. Errors: not_found, io,
// size_invalid, invalid; the message names the key of the configuration and the path.
Result<std::unique_ptr<KeyFiles>> open_key_files(const KeyPaths& paths, Logger& logger);

} // namespace berth::auth
