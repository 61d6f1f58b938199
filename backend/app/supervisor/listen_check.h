// Whether nginx may listen where the configuration says.
#pragma once

#include <string>

#include "base/result.h"
#include "config/config.h"

namespace berth::app {

enum class PublicPort { own, handed_over }; // handed over: nginx need not bind http.addr (handed_sockets.h)

// Binds without listening, so no client can connect meanwhile. An address in use is no error: in a running registry all
// of them are. Errors: invalid, `http.addr: "host:port": why not`.
Result<> may_listen(const config::Config& config, PublicPort port);

// Whether somebody listens on http.addr, be it this very registry; and what to say to whoever wants to.
bool is_in_use(const config::Config& config);
std::string in_use(const config::Config& config);

} // namespace berth::app
