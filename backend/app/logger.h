// The Logger that writes to stderr, through spdlog: `2024-01-02T03:04:05.678Z INFO  message name=value`.
// Threads: safe.
#pragma once

#include <memory>

#include "base/log.h"

namespace berth::app {

std::unique_ptr<Logger> make_logger(LogLevel level);

} // namespace berth::app
