// Duration: the type of every length of time in a config.
#pragma once

#include <chrono>

namespace berth::config {

using Duration = std::chrono::nanoseconds;

} // namespace berth::config
