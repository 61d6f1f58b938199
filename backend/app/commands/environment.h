// The variables that override a config's keys.
#pragma once

#include "config/config.h"

namespace berth::app {

config::Environment environment_of_process();

} // namespace berth::app
