#include "app/pool/pool.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <functional>
#include <thread>

#include "api/api.h"
#include "api/debug/face.h"
#include "app/maintenance_records.h"
#include "app/pool/access.h"
#include "app/pool/background_command.h"
#include "app/pool/certificate_watch.h"
#include "app/pool/debug_pages.h"
#include "app/pool/descriptor_cache.h"
#include "app/pool/health_checks.h"
#include "app/pool/immutable.h"
#include "app/pool/notifications.h"
#include "app/pool/process_metrics.h"
#include "app/pool/pull_gate.h"
#include "app/pool/pull_recorder.h"
#include "app/pool/purger.h"
#include "app/pool/secret.h"
#include "app/pool/signing_key.h"
#include "app/store_parts.h"
#include "auth/measured_access.h"
#include "base/clock.h"
#include "base/random.h"
#include "fcgi/server.h"
#include "notify/notifier.h"
#include "spool/hash_ahead.h"
#include "storage/registry.h"
#include "storage/v1/tags.h"

namespace berth::app {
namespace {

// Threads for what is neither a long body nor unpacking: most of them wait for the disk, or for a password's check.
constexpr unsigned small_requests = 48;

storage::ManifestPolicy policy_of(const config::Config& config) {
  const config::Config::Validation& validation = config.validation;
  using Children = storage::ManifestPolicy::Children;
  storage::ManifestPolicy policy;
  policy.disabled = validation.disabled;
  policy.url_allow = validation.url_allow;
  policy.url_deny = validation.url_deny;
  policy.sparse_images = validation.sparse_images;
  policy.children = validation.index_platforms == config::IndexPlatforms::all    ? Children::all
                    : validation.index_platforms == config::IndexPlatforms::none ? Children::none
                                                                                 : Children::listed;
  for (const config::Platform& platform : validation.platform_list)
    policy.platforms.emplace_back(platform.architecture, platform.os);
  policy.classes = config.repository_classes;
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
  // Clients of v1 know no Bearer tokens, and an image's path names no repository that a token could be for.
  if (config.auth.kind == config::Auth::Kind::token) return Faces::v2;
  return config.berth.v1_enabled && config.berth.v1_upstream.empty() ? Faces::both : Faces::v2;
}

// Adds the metrics of the pool's parts to the page.
void add_pool_metrics(api::debug::Metrics& metrics, const config::Config& config, unsigned threads,
                      api::debug::Health& health, const Purger& purger, const CertificateWatch& certificate) {
  metrics.add([&, threads](std::string& page) {
    const auto one = [&](std::string_view name, std::string_view type, std::string_view help, double value) {
      api::debug::write_head(page, name, type, help);
      api::debug::write_value(page, name, "", value);
    };
    one("berth_pool_threads", "gauge", "Requests that the pool takes at once.", threads);
    one("berth_uploads_purged_total", "counter", "Abandoned uploads removed.", static_cast<double>(purger.purged()));
    one("berth_health_failing_checks", "gauge", "Health checks that fail; any makes the registry answer 503.",
        static_cast<double>(health.failing().size()));
    certificate.write_metric(page);
    write_store_metrics(page, config.storage.root);
    write_process_metrics(page);
  });
}

// What `berth status` asks for.
void show_facts(api::debug::Pages& pages, const PoolRole& role, unsigned threads, Time started, const Purger& purger) {
  pages.vars.emplace_back("berth", [&role, threads, started, &purger] {
    return berth_vars({role.instance, started, threads, role.nginx.certificate_ends, purger.runs(), purger.last()});
  });
}

// Adds the pages of the optional parts to the debug server.
void show(const CacheParts& caching, notify::Notifier& notifier, const config::Config& config, api::debug::Pages& pages,
          api::debug::Metrics& metrics) {
  if (const cache::Cache* cache = caching.cache.get()) {
    metrics.add([cache](std::string& page) { write_cache_metrics(page, cache->counts()); });
    pages.vars.emplace_back("cache.storage.blobdescriptor", [cache] { return cache_vars(cache->counts()); });
  }
  if (const cache::Redis* redis = caching.redis)
    pages.vars.emplace_back("redis", [&config, redis] { return redis_vars(config.redis, redis->active()); });
  if (!notifier.empty()) {
    metrics.add([&notifier](std::string& page) { write_notification_metrics(page, notifier.status()); });
    pages.vars.emplace_back("notifications.endpoints",
                            [&] { return notification_vars(notifier.status(), config.notifications); });
  }
}

// Logs which services are on and off, as docker/distribution does at its start.
void log_services(const config::Config& config, Logger& logger) {
  for (const config::NotificationEndpoint& endpoint : config.notifications.endpoints)
    if (endpoint.disabled) logger.info("endpoint " + endpoint.name + " disabled, skipping");
  if (config.storage.cache_descriptors) logger.info("using inmemory blob descriptor cache");
  if (speaks_to_redis(config)) logger.info("using redis blob descriptor cache");
  if (config.storage.read_only) logger.info("read-only: everything that writes is answered 405");
}

// Null without a place for it, or if it cannot be made: then nginx asks about every pull.
std::unique_ptr<PullGate> pull_gate_of(const PoolRole& role, api::debug::Health& health, const Clock& clock,
                                       Logger& logger) {
  if (role.nginx.pull_gate.empty()) return nullptr;
  auto made = PullGate::make(role.nginx.pull_gate, clock);
  if (!made) {
    logger.warn("nginx will ask about every pull", {{"error", made.error().message}});
    return nullptr;
  }
  health.on_change([gate = made->get(), &health] { gate->follow([&health] { return health.is_well(); }); });
  return *std::move(made);
}

void show(storage::Registry& registry, storage::V1Tags& v1_tags, cache::Memory* descriptors,
          api::debug::Metrics& metrics) {
  metrics.add([&, descriptors](std::string& page) {
    Memories memories = registry.memories();
    memories.emplace_back("v1 ids", v1_tags.memory());
    if (descriptors != nullptr) memories.emplace_back("descriptors", descriptors->memory());
    write_memory_metrics(page, memories);
  });
}

void show(const Access& access, const auth::MeasuredAccess& counted, api::debug::Metrics& metrics) {
  if (access.controller == nullptr) return;
  metrics.add([&, passwords = access.passwords](std::string& page) { write_access_metrics(page, counted, passwords); });
}

// Writes down what is pulled, if a policy asks for that: else null. Errors: invalid, for rules that cannot be kept.
Result<std::unique_ptr<PullRecorder>> record_pulls(const config::Config& config, const PullRecorder::Parts& parts,
                                                   api::EventSettings& events) {
  BERTH_CHECK(check_tag_rules(config));
  BERTH_TRY(const storage::RetentionPolicies policies, policies_of(config));
  if (!policies.asks_for_pulls()) {
    if (const auto ended = storage::end_pulls(parts.driver); !ended)
      parts.logger.debug("pulls are not written down", {{"error", ended.error().message}});
    return nullptr;
  }
  auto recorder = std::make_unique<PullRecorder>(parts, config.berth.retention.ignored_agents);
  events.pulled = std::bind_front(&PullRecorder::pulled, recorder.get());
  return recorder;
}

// Null where bodies are hashed when they have arrived: the spool is not this pool's alone, or cannot be watched.
std::unique_ptr<spool::HashAhead> hash_ahead(const config::Config& config, const PoolRole& role,
                                             storage::UploadStore& uploads, Logger& logger) {
  if (role.spool != Spool::ours_alone) return nullptr;
  auto watching = spool::HashAhead::watch(config.berth.spool, uploads.hashes());
  if (watching) return *std::move(watching);
  logger.warn("uploads are hashed only when they have arrived", {{"error", watching.error().message}});
  return nullptr;
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
    pthread_kill(waiter_.native_handle(), SIGTERM); // NOLINT(bugprone-bad-signal-to-kill-thread): it waits for it
    waiter_.join();
  }

private:
  sigset_t signals_{};
  std::thread waiter_;
};

// Null without metrics.
driver::TellTime tell_of(api::debug::Metrics* metrics) {
  if (metrics == nullptr) return nullptr;
  return [metrics](std::string_view action, api::debug::Seconds time) { metrics->storage_action(action, time); };
}

// A server that is away for the moment may be back before the first client comes. Errors: invalid.
Result<> check_bucket(StoreParts& store, Logger& logger) {
  const auto probed = store.probe();
  if (probed || !is(probed.error(), Code::unavailable)) return probed;
  logger.error("the bucket is not reached", {{"error", probed.error().message}});
  return {};
}

// Null if there is no gate.
api::PullListener told_of_pulls(PullGate* gate) {
  if (gate == nullptr) return nullptr;
  return std::bind_front(&PullGate::let_through, gate);
}

} // namespace

Result<> run_pool(const config::Config& config, const PoolRole& role, const UniqueFd& listen_socket, Logger& logger,
                  const std::function<void()>& ready) {
  log_services(config, logger);
  SystemClock clock;
  SystemRandom random;
  api::Options options = api_options_of(config);
  options.faces = faces_of(config, role.serves);
  if (options.secret.empty()) {
    BERTH_TRY(options.secret, kept_secret(config.berth.state_directory, random));
  }
  BERTH_TRY(options.schema1_key, signing_key(config, random));
  const bool counts = config.http.debug.counts();
  const auto metrics = std::make_unique<api::debug::Metrics>();
  StoreParts store(config, clock, random, tell_of(counts ? metrics.get() : nullptr), &logger);
  BERTH_CHECK(check_bucket(store, logger));
  BERTH_TRY(const auto present, exclude_collection_now(store.locks(), logger));
  BERTH_TRY(const CacheParts caching, cache_of(config, metrics.get(), logger));
  cache::Cache* const cache = caching.cache.get();
  BERTH_TRY(storage::ManifestRules rules, storage::ManifestRules::make(policy_of(config)));
  BERTH_TRY(storage::ImmutableTags immutable, immutable_tags_of(config));
  storage::Registry registry(store.registry_parts(std::move(rules), cache, logger, std::move(immutable)));
  const auto ahead = hash_ahead(config, role, store.uploads(), logger);
  storage::Unpacking unpacking({.max_layer_bytes = config.berth.v1_max_layer_bytes});
  storage::V1Images v1_images({store.driver(), store.locks(), registry, logger, unpacking});
  storage::V1Tags v1_tags({store.driver(), registry, v1_images, logger, unpacking});
  BERTH_TRY(const auto notifier, notify::Notifier::start(notifier_options_of(config), logger));
  api::EventSettings events;
  if (!notifier->empty())
    events = {notifier.get(), &random, source_of(config, role.instance), config.notifications.include_references};
  BERTH_TRY(const auto recorder, record_pulls(config, {store.driver(), clock, random, logger}, events));
  api::debug::Health health;
  api::debug::Pages pages(health, *metrics, counts ? config.http.debug.prometheus_path : "");
  show(caching, *notifier, config, pages, *metrics);
  show(registry, v1_tags, caching.memory, *metrics);
  BERTH_TRY(const auto access, access_of(config, options.secret, role.serves, clock, random, logger));
  auth::MeasuredAccess counted(access.controller.get());
  show(access, counted, *metrics);
  const auto gate = pull_gate_of(role, health, clock, logger);
  api::Api api({.registry = registry,
                .clock = clock,
                .logger = logger,
                .v1 = api::V1Services{v1_images, v1_tags},
                .events = std::move(events),
                .access = access.controller != nullptr ? &counted : nullptr,
                .tokens = access.tokens,
                .debug = &pages,
                .health = &health,
                .metrics = counts ? metrics.get() : nullptr,
                .pulls = access.controller != nullptr ? told_of_pulls(gate.get()) : nullptr},
               std::move(options));
  const unsigned threads = config.berth.threads + small_requests + storage::Unpacking::max_tasks;
  fcgi::Server server({.listen_fd = listen_socket.get(),
                       .threads = threads,
                       .long_bodies = config.berth.threads,
                       .spool_directory = config.berth.spool,
                       .store_directory = config.storage.root},
                      api, logger);
  const StopOnSignal stop(server);
  const HealthChecks health_checks(config, health, store.uncounted());
  const Purger purger(config, store.uploads(), clock, random, logger);
  const BackgroundCommand collector(collection_of(config), role.config_file, random, logger);
  const BackgroundCommand verifier(verification_of(config), role.config_file, random, logger);
  const CertificateWatch certificate(role.nginx.certificate_ends, clock, health, logger);
  add_pool_metrics(*metrics, config, threads, health, purger, certificate);
  metrics->add([&](std::string& page) { write_maintenance_metrics(page, store.uncounted()); });
  show_facts(pages, role, threads, clock.now(), purger);
  if (role.pulls != nullptr) metrics->take_from("blob", *role.pulls);
  ready();
  return server.run();
}

} // namespace berth::app
