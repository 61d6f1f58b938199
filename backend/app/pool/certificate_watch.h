// CertificateWatch: says in time that the certificate of http.tls ends: a warning in the log when the pool starts, and
// daily, a detail of /debug/health that fails nothing, and a metric.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "api/debug/health.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/periodic.h"

namespace berth::app {

inline constexpr std::chrono::days certificate_warning_time{14};

// Days that are left, as people count them; negative once it has ended.
double days_until(Time end, Time now);
// Empty if there are more days left than certificate_warning_time.
std::string certificate_warning(Time end, Time now);

class CertificateWatch {
public:
  // Starts the thread, if there is a certificate. Borrows: all.
  CertificateWatch(std::optional<Time> ends, const Clock& clock, api::debug::Health& health, Logger& logger);
  // Adds the metric to the page, if there is a certificate.
  void write_metric(std::string& page) const;

private:
  void look();

  const std::optional<Time> ends_;
  const Clock& clock_;
  api::debug::Health& health_;
  Logger& logger_;
  std::optional<Periodic> periodic_; // the last member: it uses the others
};

} // namespace berth::app
