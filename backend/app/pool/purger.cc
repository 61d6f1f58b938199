#include "app/pool/purger.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

#include "spool/spool.h"

namespace berth::app {
namespace {

using namespace std::chrono_literals;

constexpr config::Duration max_first_delay = 1h;

} // namespace

config::Duration part_of(config::Duration time, Random& random) {
  std::array<std::byte, sizeof(std::uint64_t)> bytes{};
  random.fill(bytes);
  std::uint64_t number = 0;
  std::memcpy(&number, bytes.data(), sizeof number);
  return config::Duration(
      static_cast<std::int64_t>(number % static_cast<std::uint64_t>(std::max<std::int64_t>(1, time.count()))));
}

Result<storage::Purged> purge_once(const config::Config& config, storage::UploadStore& uploads, Time now,
                                   Logger& logger, const std::function<bool()>& stop) {
  const config::Purging& purging = config.storage.purging;
  const storage::PurgeOptions options{now - purging.age, purging.dry_run, stop};
  const char* what = purging.dry_run ? "an upload would be purged" : "an upload was purged";
  auto purged = uploads.purge(options, [&](const std::string& path, const Error* why_not) {
    if (why_not == nullptr)
      logger.info(what, {{"path", path}});
    else
      logger.error("an upload could not be purged", {{"path", path}, {"error", why_not->message}});
  });
  if (purged)
    logger.info("uploads purged", {{"removed", std::to_string(purging.dry_run ? 0 : purged->uploads)},
                                   {"old", std::to_string(purged->uploads + purged->busy + purged->failed)},
                                   {"being_written", std::to_string(purged->busy)},
                                   {"failed", std::to_string(purged->failed)}});
  return purged;
}

void remove_orphans(const config::Config& config, Logger& logger) {
  const auto tell = [&](const std::string& directory, std::size_t removed) {
    if (removed > 0)
      logger.info("orphaned files removed", {{"directory", directory}, {"files", std::to_string(removed)}});
  };
  const std::string temporaries = config.storage.root + "/berth/tmp";
  tell(config.berth.spool, spool::remove_old_bodies(config.berth.spool));
  tell(temporaries, spool::remove_old_temporaries(temporaries));
}

Purger::Purger(const config::Config& config, storage::UploadStore& uploads, const Clock& clock, Random& random,
               Logger& logger)
    : config_(config), uploads_(uploads), clock_(clock), logger_(logger) {
  const config::Config::Storage& storage = config.storage;
  if (!storage.purging.enabled || storage.read_only) return;
  const config::Duration delay = part_of(std::min(storage.purging.interval, max_first_delay), random);
  periodic_.emplace(delay, [this](const std::stop_token& stop) -> Periodic::Pause {
    purge(stop);
    return config_.storage.purging.interval;
  });
}

std::optional<Purger::Done> Purger::last() const {
  return last_.with([](const auto& last) { return last; });
}

void Purger::purge(const std::stop_token& stop) {
  const auto purged = purge_once(config_, uploads_, clock_.now(), logger_, [&] { return stop.stop_requested(); });
  if (purged && !config_.storage.purging.dry_run) purged_ += purged->uploads;
  if (purged) last_.with([&](auto& last) { last = Done{clock_.now(), *purged}; });
  if (!purged) logger_.error("uploads were not purged", {{"error", purged.error().message}});
  if (!config_.storage.purging.dry_run) remove_orphans(config_, logger_);
}

} // namespace berth::app
