// What can be seen of a registry from outside its processes: for `berth status`. Everything is a hint: it may have
// changed since. Requires: acts as the user who serves.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "config/config.h"

namespace berth::app {

// The processes of a `berth up` with this run directory, or of the nginx alone that compose/ runs.
struct Processes {
  pid_t supervisor = 0; // 0: none
  Time since{};         // when it began
  std::vector<pid_t> pools;
  pid_t nginx = 0; // 0: none
  std::size_t nginx_workers = 0;
};
Processes processes_of(const config::Config& config);

// The JSON of a page of the debug face (/debug/vars), asked for over the pool's socket, and its status.
struct PoolPage {
  int status = 0;
  nlohmann::ordered_json json;
};
// Errors: io, unavailable.
Result<PoolPage> ask_pool(const config::Config& config, const std::string& path);

struct UploadCounts {
  std::size_t begun = 0;
  bool all_counted = true;  // false: the store is large, and it took too long
  std::size_t arriving = 0; // bodies in the spool
};
UploadCounts count_uploads(const config::Config& config);

struct QueueState {
  std::string endpoint;
  std::uint64_t bytes = 0;              // of its segments, what was delivered included
  std::optional<std::uint64_t> waiting; // events; absent: the queue is too long to be counted
};
std::vector<QueueState> queues_of(const config::Config& config);

// Of the file system that holds the store. Errors: io.
struct Space {
  std::uint64_t size = 0, free = 0;
};
Result<Space> space_of(const std::string& root);

} // namespace berth::app
