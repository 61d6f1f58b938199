// The key that signs upload states, where the config names none: kept in the store, so that uploads go on after a
// restart and in every pool that serves the store.
#pragma once

#include <string>

#include "base/random.h"
#include "base/result.h"

namespace berth::app {

// Reads <root>/berth/secret, or makes it: 32 random bytes in hexadecimal, mode 0600, durable before it is used. Of
// several processes that make it at once, one wins. Errors: io; invalid if the file holds no secret.
Result<std::string> kept_secret(const std::string& root, Random& random);

} // namespace berth::app
