#include "app/pool/descriptor_cache.h"

#include <algorithm>
#include <chrono>

#include "cache/measured.h"

namespace berth::app {
namespace {

cache::RedisOptions redis_options_of(const config::Redis& from) {
  using std::chrono::milliseconds;
  cache::RedisOptions options;
  const auto set = [](milliseconds& into, config::Duration time) {
    if (time.count() > 0) into = std::max(milliseconds(1), std::chrono::duration_cast<milliseconds>(time));
  };
  options.address = from.addrs.front();
  options.username = from.username;
  options.password = from.password;
  options.client_name = from.client_name;
  options.database = from.db;
  set(options.dial_timeout, from.dial_timeout);
  set(options.write_timeout, from.write_timeout);
  set(options.read_timeout, from.read_timeout);
  set(options.idle_timeout, from.idle_timeout);
  if (from.max_idle > 0) options.max_idle = static_cast<std::size_t>(from.max_idle);
  if (from.max_active > 0) options.max_active = static_cast<std::size_t>(from.max_active);
  options.certificate = from.tls_certificate;
  options.key = from.tls_key;
  options.root_cas = from.tls_root_cas;
  return options;
}

} // namespace

bool speaks_to_redis(const config::Config& config) {
  return config.storage.cache_in_redis && config.redis.addrs.size() == 1 && config.redis.sentinel_master.empty();
}

Result<CacheParts> cache_of(const config::Config& config, api::debug::Metrics* metrics, Logger& logger) {
  const config::Redis& from = config.redis;
  if (config.storage.cache_descriptors) {
    auto memory = std::make_unique<cache::Memory>(config.storage.cache_entries);
    CacheParts parts{nullptr, nullptr, memory.get()};
    parts.cache = std::make_unique<cache::Cache>(std::move(memory));
    return parts;
  }
  if (!speaks_to_redis(config)) return CacheParts{};
  BERTH_TRY(std::unique_ptr<cache::Redis> redis, cache::Redis::make(redis_options_of(from), logger));
  CacheParts parts{nullptr, redis.get(), nullptr};
  std::unique_ptr<cache::Entries> entries = std::move(redis);
  if (metrics != nullptr)
    entries = std::make_unique<cache::Measured>(
        std::move(entries),
        [metrics](std::string_view operation, api::debug::Seconds time) { metrics->redis_action(operation, time); });
  parts.cache = std::make_unique<cache::Cache>(std::move(entries));
  return parts;
}

} // namespace berth::app
