// Front: what every request of the pool passes first. Those of the debug server are answered here; the others go to the
// registry, counted, and only while it is well.
// Threads: safe.
// Spec: docker/distribution's debug server: /debug/health, /debug/vars, metrics.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "api/debug/health.h"
#include "api/debug/metrics.h"
#include "http/message.h"

namespace berth::api::debug {

struct FrontOptions {
  std::string metrics_path; // of the debug server; empty: no metrics are counted nor shown
  // Members of "registry" in /debug/vars: a dotted name ("notifications.endpoints") and what makes its JSON.
  std::vector<std::pair<std::string, std::function<std::string()>>> vars;
};

class Front final : public http::Handler {
public:
  // Borrows: all but options.
  Front(http::Handler& registry, Health& health, Metrics& metrics, FrontOptions options)
      : registry_(registry), health_(health), metrics_(metrics), options_(std::move(options)) {}

  http::Response handle(http::Request& request) override;
  http::Response refuse(const http::Request& request, const Error& why) override;

private:
  http::Response answer(http::Request& request);
  http::Response answer_debug(const http::Request& request);
  http::Response answer_health();
  http::Response answer_vars() const;

  http::Handler& registry_;
  Health& health_;
  Metrics& metrics_;
  const FrontOptions options_;
};

} // namespace berth::api::debug
