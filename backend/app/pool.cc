#include "app/pool.h"

#include <pthread.h>

#include <csignal>
#include <thread>

#include "api/api.h"
#include "api/debug/front.h"
#include "app/health_checks.h"
#include "app/purger.h"
#include "app/secret.h"
#include "app/signing_key.h"
#include "base/clock.h"
#include "base/random.h"
#include "cache/memory.h"
#include "driver/filesystem.h"
#include "driver/measured.h"
#include "fcgi/server.h"
#include "storage/registry.h"
#include "storage/v1_tags.h"

namespace berth::app {
namespace {

storage::ManifestPolicy policy_of(const config::Config::Validation& validation) {
  using Children = storage::ManifestPolicy::Children;
  storage::ManifestPolicy policy;
  policy.disabled = validation.disabled;
  policy.url_allow = validation.url_allow;
  policy.url_deny = validation.url_deny;
  policy.children = validation.index_platforms == config::IndexPlatforms::all    ? Children::all
                    : validation.index_platforms == config::IndexPlatforms::none ? Children::none
                                                                                 : Children::listed;
  for (const config::Platform& platform : validation.platform_list)
    policy.platforms.emplace_back(platform.architecture, platform.os);
  return policy;
}

api::Options api_options_of(const config::Config& config) {
  api::Options options;
  options.host = config.http.host;
  options.prefix = config.http.prefix;
  options.secret = config.http.secret;
  options.relative_urls = config.http.relative_urls;
  options.delete_enabled = config.storage.delete_enabled;
  options.read_only = config.storage.read_only;
  options.catalog_max_entries = static_cast<std::size_t>(config.catalog_max_entries);
  options.tags_max = static_cast<std::size_t>(config.tags_max);
  options.schema1_push = config.schema1.enabled;
  options.schema1_keeps_signatures = !config.schema1.discard_signatures;
  return options;
}

api::Options::Faces faces_of(const config::Config& config, PoolApi serves) {
  using Faces = api::Options::Faces;
  switch (serves) {
  case PoolApi::v1: return Faces::v1;
  case PoolApi::v2: return Faces::v2;
  case PoolApi::as_configured: break;
  }
  return config.berth.v1_enabled && config.berth.v1_upstream.empty() ? Faces::both : Faces::v2;
}

void write_pool_metrics(std::string& page, const api::debug::Metrics& metrics, unsigned threads) {
  api::debug::write_type(page, "registry_http_in_flight_requests", "gauge");
  api::debug::write_value(page, "registry_http_in_flight_requests", "", static_cast<double>(metrics.in_flight()));
  api::debug::write_type(page, "berth_pool_threads", "gauge");
  api::debug::write_value(page, "berth_pool_threads", "", threads);
}

// Stops the server at SIGTERM or SIGINT. The signals are blocked from its construction on, in this thread and in all
// that are started after it, so that only its own thread takes them.
class StopOnSignal {
public:
  explicit StopOnSignal(fcgi::Server& server) {
    sigemptyset(&signals_);
    sigaddset(&signals_, SIGTERM);
    sigaddset(&signals_, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
    waiter_ = std::thread([this, &server] {
      int signal = 0;
      sigwait(&signals_, &signal);
      server.stop();
    });
  }
  ~StopOnSignal() {
    pthread_kill(waiter_.native_handle(), SIGTERM);
    waiter_.join();
  }

private:
  sigset_t signals_{};
  std::thread waiter_;
};

} // namespace

Result<> run_pool(const config::Config& config, PoolRole role, const UniqueFd& listen_socket, Logger& logger,
                  const std::function<void()>& ready) {
  SystemClock clock;
  SystemRandom random;
  api::Options options = api_options_of(config);
  options.faces = faces_of(config, role.serves);
  if (options.secret.empty()) {
    BERTH_TRY(options.secret, kept_secret(config.storage.root, random));
  }
  BERTH_TRY(options.schema1_key, signing_key(config, random));
  driver::FsOps ops;
  driver::Filesystem filesystem(config.storage.root, ops, random);
  const bool counts = config.http.debug.prometheus && !config.http.debug.addr.empty();
  const auto metrics = std::make_unique<api::debug::Metrics>();
  driver::Measured measured(filesystem, [&metrics](std::string_view action, api::debug::Seconds time) {
    metrics->storage_action(action, time);
  });
  driver::StorageDriver& driver = counts ? static_cast<driver::StorageDriver&>(measured) : filesystem;
  cache::MemoryCache cache(config.storage.cache_entries);
  BERTH_TRY(storage::ManifestRules rules, storage::ManifestRules::make(policy_of(config.validation)));
  std::unique_ptr<storage::HashAhead> ahead;
  if (role.spool == Spool::ours_alone) {
    auto watching = storage::HashAhead::watch(config.berth.spool);
    if (watching)
      ahead = *std::move(watching);
    else
      logger.warn("uploads are hashed only when they have arrived", {{"error", watching.error().message}});
  }
  storage::Registry registry({driver, config.storage.cache_descriptors ? &cache : nullptr, std::move(rules), clock,
                              random, logger, ahead.get()});
  storage::V1Images v1_images({driver, registry, logger});
  storage::V1Tags v1_tags({driver, registry, v1_images, logger});
  api::Api api(registry, std::move(options), clock, logger, api::V1Services{v1_images, v1_tags});
  metrics->add([&](std::string& page) { write_pool_metrics(page, *metrics, config.berth.threads); });
  api::debug::Health health;
  api::debug::Front front(api, health, *metrics, {counts ? config.http.debug.prometheus_path : "", {}});
  fcgi::Server server({listen_socket.get(), config.berth.threads, config.berth.spool}, front, logger);
  const StopOnSignal stop(server);
  const HealthChecks health_checks(config.health, health, filesystem);
  const Purger purger(config, driver, clock, random, logger);
  ready();
  return server.run();
}

} // namespace berth::app
