// What cache and webhooks tell the debug server: lines for Prometheus and members of /debug/vars, by
// docker/distribution's names. Spec: docs/operations.md, "Health and metrics".
#pragma once

#include <string>
#include <vector>

#include "cache/entries.h"
#include "notify/endpoint.h"

namespace berth::app {

void write_cache_metrics(std::string& page, const cache::Counts& counts);
void write_notification_metrics(std::string& page, const std::vector<notify::EndpointStatus>& endpoints);

// JSON: registry.cache.storage.blobdescriptor and registry.notifications.endpoints. Headers of endpoints may be secrets
// and passwords may stand in their URLs: neither is shown.
std::string cache_vars(const cache::Counts& counts);
std::string notification_vars(const std::vector<notify::EndpointStatus>& endpoints);

} // namespace berth::app
