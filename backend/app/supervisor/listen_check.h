// Whether nginx may listen where the configuration says.
#pragma once

#include "base/result.h"
#include "config/config.h"

namespace berth::app {

// Tries it without listening: nobody can connect meanwhile. An address that is in use is no error: in a running
// registry they all are. Errors: invalid, `http.addr: "host:port": why not`.
Result<> may_listen(const config::Config& config);

} // namespace berth::app
