// Supervisor: what run_supervisor (supervisor.h) runs. Its reloads are in supervisor_reload.cc, its other parts in
// supervisor.cc.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/logger.h"
#include "app/nginx/certificate.h"
#include "app/nginx/nginx_process.h"
#include "app/supervisor/account.h"
#include "app/supervisor/child_process.h"
#include "app/supervisor/connection_guard.h"
#include "app/supervisor/places.h"
#include "app/supervisor/process.h"
#include "app/supervisor/pull_log.h"
#include "app/supervisor/reload.h"
#include "app/supervisor/succession.h"
#include "app/supervisor/supervisor.h"
#include "base/unique_fd.h"

namespace berth::app {

class Supervisor {
public:
  Supervisor(const config::Config& config, const ConfigSource& source, std::unique_ptr<Logger>& logger)
      : config_(config), source_(source), logger_(logger) {}

  Result<> run();

private:
  Result<> prepare();
  Result<> become_the_user();
  Result<NginxSettings> nginx_settings() const;
  Result<> prepare_nginx(const CertificatePair& pair);
  Result<> resume(const Succession& told);
  int run_pool_child(const config::Config& config, Logger& logger, const ChildProcess& pool, const UniqueFd& ready);
  Result<ChildProcess> start_pool(const config::Config& config, Logger& logger, NginxBefore nginx);
  Result<> start(ChildProcess& child);
  Result<> reap();
  Result<> on_death(ChildProcess& child, int status);
  Result<> restart_due();
  bool nginx_is_up() const;
  Result<> announce_when_up();
  Result<> begin_reload();
  Result<> make_places_again();
  void look_for_places();
  void go_on_reloading();
  void end_reload();
  Result<> try_succession();
  void succeed_if_due();
  void give_reload_up(const std::string& why);
  void retire(ChildProcess pool);
  void stop();
  Result<bool> handle_signals();
  int next_timeout() const;

  config::Config config_;
  const ConfigSource& source_;
  std::unique_ptr<Logger>& logger_;
  Account account_;
  std::optional<NginxProcess> nginx_process_;
  Places places_;
  bool places_lost_ = false; // and not yet made again, with a pool and an nginx that use them
  std::chrono::steady_clock::time_point look_for_places_at_;
  UniqueFd signals_;
  SharedAnswers pulls_; // of nginx, for the metrics of the pools
  ChildProcess pool_{.name = "the pool"};
  ChildProcess nginx_{.name = "nginx"};
  std::vector<pid_t> retiring_pools_; // pools before a reload, finishing their requests
  bool announced_ = false;            // both halves were up once: from then on one that dies is started again
  bool reload_wanted_ = false;
  bool succession_wanted_ = false;
  const std::string program_ = program_of_process();
  std::optional<Reload> reload_;
  ConnectionGuard guard_;
};

} // namespace berth::app
