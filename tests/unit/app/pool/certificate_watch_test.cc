#include "app/pool/certificate_watch.h"

#include <catch2/catch.hpp>

namespace berth::app {
namespace {

using namespace std::chrono_literals;

const Time now = parse_rfc3339("2026-01-01T00:00:00Z").value();

TEST_CASE("a certificate is warned of when it has fourteen days left, and no sooner") {
  using std::chrono::days;
  CHECK(certificate_warning(now + days(14) + 1s, now).empty());
  CHECK(certificate_warning(now + days(14), now) ==
        "the certificate of http.tls ends in 14 days, 2026-01-15T00:00:00Z: replace the files and send SIGHUP");
  CHECK_THAT(certificate_warning(now + days(2) - 1s, now), Catch::Contains("ends in 1 day, "));
  CHECK_THAT(certificate_warning(now + 1h, now), Catch::Contains("ends within a day"));
  CHECK_THAT(certificate_warning(now, now), Catch::Contains("has ended, 2026-01-01T00:00:00Z"));
  CHECK(days_until(now + 36h, now) == 1.5);
  CHECK(days_until(now - 12h, now) == -0.5);
}

TEST_CASE("the warning is shown, and fails nothing") {
  class Fixed final : public Clock {
    Time now() const override { return berth::app::now; }
  } clock;
  api::debug::Health health;
  NullLogger logger;
  std::string page;
  {
    const CertificateWatch watch(now + 36h, clock, health, logger);
    watch.write_metric(page);
    while (health.warnings().empty()) std::this_thread::yield();
  }
  CHECK_THAT(health.warnings().at("certificate"), Catch::Contains("in 1 day"));
  CHECK(health.is_well());
  CHECK_THAT(page, Catch::Contains("\nberth_tls_certificate_days 1.5\n"));
  const CertificateWatch none(std::nullopt, clock, health, logger);
  page.clear();
  none.write_metric(page);
  CHECK(page.empty());
}

} // namespace
} // namespace berth::app
