// The notifications of a config: where events go, and what they say of where they come from.
#pragma once

#include <string>

#include "config/config.h"
#include "notify/notifier.h"

namespace berth::app {

notify::NotifierOptions notifier_options_of(const config::Config& config);
// The source member of all events. instance: as log lines have it.
notify::Source source_of(const config::Config& config, const std::string& instance);

} // namespace berth::app
