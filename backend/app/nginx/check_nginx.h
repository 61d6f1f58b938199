// The check of nginx's half of a configuration, without a registry: `berth check-config`.
#pragma once

#include "base/result.h"
#include "config/config.h"

namespace berth::app {

// Renders the configuration into a temporary directory, checks the certificate and lets nginx test it all.
// Errors: invalid, the message says what is wrong; io.
Result<> check_nginx(const config::Config& config);

} // namespace berth::app
