// The key that signs schema1 manifests.
#pragma once

#include "base/random.h"
#include "config/config.h"
#include "model/jws_key.h"

namespace berth::app {

// That of compatibility.schema1.signingkeyfile, or the one in <state_directory>/signing-key.pem, which is made if need
// be. Errors: invalid, naming the file; io.
Result<model::SigningKey> signing_key(const config::Config& config, Random& random);

} // namespace berth::app
