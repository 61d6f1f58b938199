// The face of the debug server (http.debug.addr): health, /debug/vars, metrics. It stands on a server of its own.
// Spec: docker/distribution's debug server.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "api/debug/health.h"
#include "api/debug/metrics.h"
#include "api/face.h"

namespace berth::api::debug {

// The pages of the debug server.
struct Pages {
  // Borrows: both.
  Pages(Health& health, Metrics& metrics, std::string metrics_path);

  Health& health;
  Metrics& metrics;
  // Members of "registry" in /debug/vars: a dotted name ("notifications.endpoints") and what makes its JSON.
  std::vector<std::pair<std::string, std::function<std::string()>>> vars;
  const std::string metrics_path; // empty: metrics are not shown
  const std::vector<Endpoint> endpoints;
};

// Borrows: pages.
Face face(const Pages& pages);

} // namespace berth::api::debug
