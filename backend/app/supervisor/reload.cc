#include "app/supervisor/reload.h"

#include <algorithm>
#include <csignal>
#include <string>
#include <utility>

#include "app/supervisor/process.h"

namespace berth::app {
namespace {

using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;

constexpr auto ready_time = 20s;  // how long the new pool may take
constexpr auto taking_time = 10s; // how long nginx may take to start its new workers

bool contains(const std::vector<pid_t>& pids, pid_t pid) { return std::ranges::find(pids, pid) != pids.end(); }

} // namespace

Reload::Reload(config::Loaded wanted, std::unique_ptr<Logger> its_logger, ChildProcess new_pool,
               NginxProcess& nginx_process, pid_t nginx)
    : loaded(std::move(wanted)),
      logger(std::move(its_logger)),
      pool(std::move(new_pool)),
      nginx_process_(nginx_process),
      nginx_(nginx),
      deadline_(Steady::now() + ready_time) {}

Result<bool> Reload::advance() {
  if (pool.pid == 0) return fail(Code::io, "the new pool ended before it could serve; its own line says why");
  if (nginx_ == 0) return fail(Code::io, "nginx ended meanwhile");
  switch (step_) {
  case Step::pool: return await_pool();
  case Step::drain: return await_drain();
  case Step::nginx: return await_nginx();
  }
  return fail(Code::io, "no such step");
}

Result<bool> Reload::await_pool() {
  if (!is_ready(pool)) {
    if (Steady::now() < deadline_) return false;
    return fail(Code::io, "the new pool could not serve within " + std::to_string(ready_time.count()) + " s");
  }
  BERTH_CHECK(nginx_process_.start_drain());
  step_ = Step::drain;
  deadline_ = Steady::now() + loaded.config.berth.nginx_reload_drain;
  return await_drain();
}

Result<bool> Reload::await_drain() {
  if (Steady::now() < deadline_) return false;
  workers_ = serving_workers(nginx_);
  BERTH_CHECK(nginx_process_.install());
  step_ = Step::nginx;
  deadline_ = Steady::now() + taking_time;
  ::kill(nginx_, SIGHUP);
  return false;
}

// Old workers that are told to end say so to their clients themselves: only then the drain is over.
Result<bool> Reload::await_nginx() {
  if (is_taken()) {
    nginx_process_.end_drain();
    nginx_process_.settle();
    return true;
  }
  if (Steady::now() < deadline_) return false;
  return fail(Code::io, "nginx did not take the new configuration; its own lines say why");
}

// An nginx that takes a configuration starts all its workers anew and then tells the old ones to end; one that does not
// goes on with those it has. A worker that died and was replaced meanwhile makes neither of the two true.
bool Reload::is_taken() const {
  const std::vector<pid_t> now = serving_workers(nginx_);
  const bool any_new = std::ranges::any_of(now, [&](pid_t pid) { return !contains(workers_, pid); });
  const bool any_old = std::ranges::any_of(now, [&](pid_t pid) { return contains(workers_, pid); });
  return any_new && !any_old;
}

void Reload::note_end(pid_t pid) {
  if (pool.pid == pid) pool.pid = 0;
  if (nginx_ == pid) nginx_ = 0;
}

Result<> Reload::give_up() {
  nginx_process_.end_drain();
  if (std::exchange(step_, Step::pool) != Step::nginx) return {};
  BERTH_CHECK(nginx_process_.revert());
  if (nginx_ > 0) ::kill(nginx_, SIGHUP); // should it have been slow, and not unwilling
  return {};
}

} // namespace berth::app
