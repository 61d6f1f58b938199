// NginxBefore: what a pool is told of the nginx before it.
#pragma once

#include <optional>
#include <string>

#include "base/clock.h"

namespace berth::app {

struct NginxBefore {
  std::string pull_gate = {};                // the directory of the pool's PullGate; empty: nginx asks about every pull
  std::optional<Time> certificate_ends = {}; // absent: no TLS, or not known here
};

} // namespace berth::app
