#include "app/pool/certificate_watch.h"

#include <cmath>

#include "api/debug/metrics.h"

namespace berth::app {
namespace {

using namespace std::chrono_literals;

constexpr auto daily = 24h;
constexpr const char* check_name = "certificate";

} // namespace

double days_until(Time end, Time now) {
  return std::chrono::duration<double, std::chrono::days::period>(end - now).count();
}

std::string certificate_warning(Time end, Time now) {
  const std::string when = to_rfc3339(std::chrono::floor<std::chrono::seconds>(end));
  if (end <= now) return "the certificate of http.tls has ended, " + when + ": clients refuse it";
  if (end - now > certificate_warning_time) return {};
  const auto days = static_cast<long>(std::floor(days_until(end, now)));
  const std::string in = days < 1 ? "within a day" : "in " + std::to_string(days) + (days == 1 ? " day" : " days");
  return "the certificate of http.tls ends " + in + ", " + when + ": replace the files and send SIGHUP";
}

CertificateWatch::CertificateWatch(std::optional<Time> ends, const Clock& clock, api::debug::Health& health,
                                   Logger& logger)
    : ends_(ends), clock_(clock), health_(health), logger_(logger) {
  if (!ends_) return;
  periodic_.emplace(Periodic::Pause::zero(), [this](const std::stop_token&) -> Periodic::Pause {
    look();
    return daily;
  });
}

void CertificateWatch::look() {
  const std::string warning = certificate_warning(*ends_, clock_.now());
  health_.set_warning(check_name, warning);
  if (!warning.empty()) logger_.warn(warning);
}

void CertificateWatch::write_metric(std::string& page) const {
  if (!ends_) return;
  constexpr std::string_view name = "berth_tls_certificate_days";
  api::debug::write_head(page, name, "gauge", "Days until the certificate of http.tls ends; negative: it has.");
  api::debug::write_value(page, name, "", days_until(*ends_, clock_.now()));
}

} // namespace berth::app
