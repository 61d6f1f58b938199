// The descriptor cache that a config asks for, before the store.
#pragma once

#include <memory>

#include "api/debug/metrics.h"
#include "base/log.h"
#include "base/result.h"
#include "cache/cached_blob_statter.h"
#include "cache/memory.h"
#include "cache/redis.h"
#include "config/config.h"

namespace berth::app {

// All members are empty if there is none.
struct CacheParts {
  std::unique_ptr<cache::Cache> cache;
  const cache::Redis* redis = nullptr; // in it
  cache::Memory* memory = nullptr;     // in it
};

// Whether redis is asked. Not clusters or sentinels: the config's warning says so.
bool speaks_to_redis(const config::Config& config);

// metrics: count what redis does; null: nobody counts. Borrows: metrics, logger. Errors: invalid.
Result<CacheParts> cache_of(const config::Config& config, api::debug::Metrics* metrics, Logger& logger);

} // namespace berth::app
