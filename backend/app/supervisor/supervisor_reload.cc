#include <sys/types.h>

#include <csignal>
#include <utility>

#include "app/supervisor/listen_socket.h"
#include "app/supervisor/service_manager.h"
#include "app/supervisor/supervision.h"
#include "base/clock.h"

namespace berth::app {

using Steady = std::chrono::steady_clock;

// New configuration, new certificate. What is wrong is the error, and everything goes on as it was.
Result<> Supervisor::begin_reload() {
  config::Loaded loaded;
  CertificatePair pair;
  {
    const AsRoot read;
    BERTH_TRY(loaded, source_.load());
    BERTH_CHECK(same_places(config_, loaded.config));
    BERTH_TRY(pair, read_tls_files(loaded.config.http, SystemClock().now()));
  }
  BERTH_CHECK(nginx_process_->stage(loaded.config, pair));
  auto logger = make_logger(loaded.config.log, source_.instance);
  BERTH_TRY(ChildProcess pool, start_pool(loaded.config, *logger, nginx_process_->staged()));
  reload_.emplace(std::move(loaded), std::move(logger), std::move(pool), *nginx_process_, nginx_.pid);
  return {};
}

// Makes the directories as at the start, then starts a new pool and has nginx read its configuration again: nginx then
// makes its own directories.
Result<> Supervisor::make_places_again() {
  CertificatePair pair;
  {
    const AsRoot read;
    BERTH_TRY(pair, read_tls_files(config_.http, SystemClock().now()));
  }
  BERTH_CHECK(places_.make_again(config_, account_, *logger_));
  BERTH_CHECK(nginx_process_->stage(config_, pair));
  auto logger = make_logger(config_.log, source_.instance);
  BERTH_TRY(ChildProcess pool, start_pool(config_, *logger, nginx_process_->staged()));
  reload_.emplace(config::Loaded{config_, {}, {}}, std::move(logger), std::move(pool), *nginx_process_, nginx_.pid);
  return {};
}

// An operator who empties the volume of a running registry expects it to go on, as docker/distribution does.
void Supervisor::look_for_places() {
  if (!announced_ || reload_ || nginx_.pid <= 0 || pool_.pid <= 0 || Steady::now() < look_for_places_at_) return;
  look_for_places_at_ = Steady::now() + places_interval;
  if (!places_lost_ && places_.are_there(config_)) return;
  if (!std::exchange(places_lost_, true)) logger_->warn("the run directory or the spool is gone; making them again");
  if (const auto made = make_places_again(); !made) logger_->error("not made again: " + made.error().message);
}

void Supervisor::go_on_reloading() {
  if (reload_) {
    const auto done = reload_->advance();
    if (!done)
      give_reload_up(done.error().message);
    else if (*done)
      end_reload();
  } else if (reload_wanted_ && announced_ && nginx_.pid > 0 && pool_.pid > 0) {
    reload_wanted_ = false;
    service_manager::reloading();
    const auto begun = begin_reload();
    if (!begun) logger_->error("not reloaded: " + begun.error().message);
    if (!begun) service_manager::ready("not reloaded: " + begun.error().message);
  }
}

void Supervisor::end_reload() {
  retire(std::exchange(pool_, std::move(reload_->pool)));
  config_ = std::move(reload_->loaded.config);
  logger_ = std::move(reload_->logger);
  log_what_config_says(reload_->loaded, *logger_);
  logger_->info("reloaded");
  reload_.reset();
  service_manager::ready("serving on " + config_.http.addr);
  // nginx knows a socket with a long name from its working directory, which is gone, too.
  if (std::exchange(places_lost_, false) && config_.berth.socket.size() > max_socket_path) ::kill(nginx_.pid, SIGQUIT);
}

void Supervisor::give_reload_up(const std::string& why) {
  if (const auto reverted = reload_->give_up(); !reverted)
    logger_->error("cannot bring nginx's configuration back: " + reverted.error().message);
  retire(std::move(reload_->pool));
  reload_.reset();
  logger_->error("not reloaded: " + why);
  service_manager::ready("not reloaded: " + why);
}

// Lets a pool finish the requests that it has.
void Supervisor::retire(ChildProcess pool) {
  if (pool.pid == 0) return;
  ::kill(pool.pid, SIGTERM);
  retiring_pools_.push_back(pool.pid);
}

} // namespace berth::app
