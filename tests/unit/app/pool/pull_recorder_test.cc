// What pools remember of pulls, and when they write it down.
#include "app/pool/pull_recorder.h"

#include <catch2/catch.hpp>

#include <thread>

#include "driver/memory.h"

using namespace berth;
using app::PullRecorder;
using storage::PullTimes;

namespace {

class SetClock final : public Clock {
public:
  Time now() const override { return parse_rfc3339("2024-01-02T03:04:05Z").value(); }
};

struct Setting {
  driver::Memory driver;
  SetClock clock;
  SystemRandom random;
  NullLogger logger;
  model::RepositoryName repository = model::RepositoryName::parse("team/app").value();

  PullRecorder::Parts parts() { return {driver, clock, random, logger}; }
  PullTimes times() { return PullTimes::load(driver).value(); }
};

} // namespace

TEST_CASE("pulls are written down at the end, those of ignored agents never") {
  Setting set;
  {
    PullRecorder recorder(set.parts(), {"Trivy", ""});
    recorder.pulled(set.repository, "v1", "docker/27");
    recorder.pulled(set.repository, "v1", "docker/27");
    recorder.pulled(set.repository, "scanned", "aquasecurity/TRIVY/0.5");
    CHECK_FALSE(set.times().last(set.repository, "v1")); // in memory alone
  }
  CHECK(set.times().last(set.repository, "v1") == parse_rfc3339("2024-01-02T03:59:59Z").value());
  CHECK_FALSE(set.times().last(set.repository, "scanned"));
  CHECK(set.times().since() == set.clock.now());
}

TEST_CASE("there is an end to what is remembered of pulls, and a flush begins anew") {
  Setting set;
  PullRecorder recorder(set.parts(), {}, 3);
  for (int i = 0; i < 5; ++i) recorder.pulled(set.repository, "t" + std::to_string(i), "");
  recorder.pulled(set.repository, "t0", ""); // known: it takes no more
  recorder.flush();
  CHECK(set.times().last(set.repository, "t0"));
  CHECK_FALSE(set.times().last(set.repository, "t3"));
  recorder.pulled(set.repository, "late", "");
  recorder.flush();
  CHECK(set.times().last(set.repository, "late"));
}

TEST_CASE("pulls come from all workers at once") {
  Setting set;
  {
    PullRecorder recorder(set.parts(), {});
    std::vector<std::jthread> workers;
    for (int worker = 0; worker < 4; ++worker)
      workers.emplace_back([&, worker] {
        for (int i = 0; i < 500; ++i) {
          recorder.pulled(set.repository, "w" + std::to_string(worker) + "-" + std::to_string(i % 50), "agent");
          if (i % 100 == 0) recorder.flush();
        }
      });
  }
  const PullTimes times = set.times();
  for (int worker = 0; worker < 4; ++worker)
    for (int i = 0; i < 50; ++i)
      CHECK(times.last(set.repository, "w" + std::to_string(worker) + "-" + std::to_string(i)));
}
