// The parts of config.yml for nginx other than its addresses and what it serves: TLS, logs, the debug server. Fragments
// for generated/, by file name, beside those of nginx_tree.h.
#pragma once

#include <map>
#include <string>

#include "config/config.h"

namespace berth::app {

// Lines of generated/tls.conf. Requires: the config has a certificate.
std::string tls_options(const config::Config& config);

// Where a location of pulls is logged that are counted by their lines (app/supervisor/pull_log.h), whether or not
// access lines are.
std::string pull_log_lines(const config::Config& config);

std::map<std::string, std::string> nginx_options(const config::Config& config);

} // namespace berth::app
