// `berth status`: one screen about a running registry.
// It looks at what is on disk (locks, pids, queues, uploads) and asks the pool over its socket (docs/decisions/0042).
#pragma once

#include <nlohmann/json.hpp>

#include <string>

#include "app/commands/ls.h"

namespace berth::app {

// The exit code: 0 if the registry runs and is well, 1 if not.
int status(const std::string& config_path, OutputForm form);

// The page for a person, of the one for programs. Pure.
std::string status_text(const nlohmann::ordered_json& page);

} // namespace berth::app
