// What cache, webhooks and access control tell the debug server: lines for Prometheus and members of /debug/vars, by
// docker/distribution's names. Spec: docs/operations.md, "Health and metrics".
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "app/pool/purger.h"
#include "auth/measured_access.h"
#include "auth/passwords.h"
#include "base/shared_cache.h"
#include "cache/entries.h"
#include "config/services.h"
#include "notify/endpoint.h"

namespace berth::app {

void write_cache_metrics(std::string& page, const cache::Counts& counts);
using Memories = std::vector<std::pair<std::string_view, CacheFacts>>; // by name
void write_memory_metrics(std::string& page, const Memories& memories);
void write_notification_metrics(std::string& page, const std::vector<notify::EndpointStatus>& endpoints);

// passwords: null where none are checked.
void write_access_metrics(std::string& page, const auth::MeasuredAccess& access, const auth::Passwords* passwords);

// JSON: registry.cache.storage.blobdescriptor, registry.redis and registry.notifications.endpoints. What may be a
// secret is not shown: headers, passwords, URLs but for their place.
std::string cache_vars(const cache::Counts& counts);
std::string redis_vars(const config::Redis& redis, std::size_t active);
// registry.berth: what `berth status` asks for beside health and webhooks (docs/decisions/0042).
struct PoolFacts {
  std::string instance; // as log lines have it
  Time started{};
  unsigned threads = 0;
  std::optional<Time> certificate_ends; // of the certificate that nginx serves; absent: not known here
  bool purges = false;
  std::optional<Purger::Done> last_purge;
};
std::string berth_vars(const PoolFacts& facts);
std::string notification_vars(const std::vector<notify::EndpointStatus>& endpoints,
                              const config::Notifications& config);

} // namespace berth::app
