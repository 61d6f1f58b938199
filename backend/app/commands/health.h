// `berth health`: whether a registry that runs is well.
#pragma once

#include <string>

namespace berth::app {

// Asks nginx by its socket in the run directory, and nginx asks the pool: neither port nor certificate counts, and
// there is no access line. The run directory is REGISTRY_BERTH_RUNDIRECTORY, or else config_path's: so that a
// config.yml that is broken now says nothing of a registry that runs. Says on stdout that it is well, or on stderr what
// is wrong. Returns the exit code: 0 if it is well.
int health(const std::string& config_path);

} // namespace berth::app
