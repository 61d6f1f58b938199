// The section of config.yml that says which tags stay; a part of Config.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "config/duration.h"

namespace berth::config {

// berth.retention
struct Retention {
  struct Keep {
    std::string origin;                           // FILE:LINE
    std::optional<std::vector<std::string>> tags; // globs; absent: all
    std::optional<std::size_t> newest;
    std::optional<Duration> pushed, pulled;
  };
  struct Policy {
    std::string origin; // FILE:LINE
    std::vector<std::string> repositories;
    std::vector<Keep> keep;
    std::size_t minimum = 1;
    std::optional<std::optional<Duration>> untagged; // absent: the collection's; empty: never
  };
  bool enabled = false;
  Duration interval = std::chrono::hours(24);
  unsigned limit = 50;                     // percent
  std::vector<std::string> ignored_agents; // parts of User-Agents whose pulls are none
  std::vector<Policy> policies;
};

} // namespace berth::config
