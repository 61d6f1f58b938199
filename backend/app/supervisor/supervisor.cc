#include "app/supervisor/supervisor.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <tuple>
#include <vector>

#include "app/nginx/tree.h"
#include "app/pool/pool.h"
#include "app/supervisor/limits.h"
#include "app/supervisor/listen_check.h"
#include "app/supervisor/listen_socket.h"
#include "app/supervisor/process.h"
#include "app/supervisor/run_directory.h"
#include "app/supervisor/service_manager.h"
#include "app/supervisor/supervision.h"
#include "base/content.h"
#include "config/address.h"
#include "spool/spool.h"

namespace berth::app {
namespace {

using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;

// How long a stop waits for transfers in progress; who is not done then is ended.
constexpr config::Duration drain_time = 10s; // unless http.draintimeout says otherwise
constexpr auto pool_drain_time = 5s;
// A child that lives shorter than this has died quickly; after so many quick deaths in a row it is given up.
constexpr auto quick_death = 10s;
constexpr int max_quick_deaths = 5;
constexpr auto restart_delay = 100ms; // doubled with every quick death
constexpr auto start_time = 60s;      // how long both halves may take to be up
constexpr int exit_misconfigured = 2; // of a pool: what the config says cannot be served
constexpr auto last_words_time = 1s;  // for the lines of an nginx that has ended
constexpr auto look_again = 20ms;     // at how far a start or a reload is

} // namespace

// From here on no file is touched with root's rights, but to be read (AsRoot).
Result<> Supervisor::become_the_user() {
  BERTH_TRY(account_, account_of(config_));
  BERTH_CHECK(act_as(account_, config_));
  if (::geteuid() == 0) logger_->warn(serves_as_root);
  return needs_root(config_, source_.file) ? Result<>() : drop_root();
}

Result<> Supervisor::prepare() {
  BERTH_CHECK(become_the_user());
  BERTH_CHECK(check_limits(config_, account_, *logger_));
  CertificatePair pair;
  {
    const AsRoot read;
    BERTH_TRY(pair, read_tls_files(config_.http, SystemClock().now()));
  }
  BERTH_CHECK(prepare_directories(config_, account_));
  BERTH_TRY(places_.lock, lock_run_directory(config_, *logger_));
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  if (const int killed = kill_orphaned_nginx(config_.berth.run_directory); killed > 0)
    logger_->warn("ended nginx processes that a killed `berth up` had left behind",
                  {{"count", std::to_string(killed)}});
  BERTH_TRY(places_.spool_lock, spool::lock_spool(config_.berth.spool));
  spool::empty_spool(config_.berth.spool);
  remove_vanished(config_, *logger_);
  spool::remove_old_temporaries(config_.storage.root + "/berth/tmp");
  ::unlink((config_.berth.run_directory + "/nginx.pid").c_str());
  BERTH_CHECK(prepare_nginx(pair));
  BERTH_TRY(places_.socket, listen_on(config_.berth.socket));
  places_.socket_name = name_of_socket(config_.berth.socket);
  return {};
}

Result<NginxSettings> Supervisor::nginx_settings() const {
  BERTH_TRY(NginxSettings settings, find_nginx(config_));
  settings.answers_health = true;
  // Any other user than root it is already, without being told.
  if (account_.uid == 0) settings.user = nginx_user(account_);
  BERTH_TRY(settings.socket, socket_for_nginx(config_.berth));
  return settings;
}

Result<> Supervisor::prepare_nginx(const CertificatePair& pair) {
  BERTH_TRY(NginxSettings settings, nginx_settings());
  BERTH_TRY(pulls_, share_answers());
  BERTH_TRY(HandedSockets sockets, HandedSockets::take());
  BERTH_CHECK(sockets.check(config_.http.addr));
  BERTH_TRY(nginx_process_,
            NginxProcess::make(std::move(settings), config_.berth.run_directory, source_.instance, std::move(sockets)));
  nginx_process_->end_drain(); // of a reload that was killed
  nginx_process_->remove_pull_gates();
  BERTH_CHECK(nginx_process_->stage(config_, pair));
  pool_.nginx_before = nginx_process_->staged();
  BERTH_CHECK(nginx_process_->install());
  nginx_process_->settle();
  return {};
}

int Supervisor::run_pool_child(const config::Config& config, Logger& logger, const ChildProcess& pool,
                               const UniqueFd& ready) {
  ::prctl(PR_SET_NAME, "berth-pool");
  signals_.reset();
  nginx_process_->close();
  Result<> served = drop_root();
  die_with_parent(); // the kernel forgets it when the user changes
  if (served)
    served = run_pool(
        config,
        {PoolApi::as_configured, Spool::ours_alone, source_.instance, source_.file, pool.nginx_before, pulls_.get()},
        places_.socket, logger, [&] { (void)!::write(ready.get(), "", 1); });
  if (!served) logger.error("the pool cannot serve: " + served.error().message);
  if (served) return 0;
  return is(served.error(), Code::invalid) ? exit_misconfigured : 1;
}

// Starts a pool, beside the one that may be there. It says that it is ready on ChildProcess::ready.
Result<ChildProcess> Supervisor::start_pool(const config::Config& config, Logger& logger, NginxBefore nginx) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return std::unexpected(errno_error("pipe", "the pool", errno));
  ChildProcess pool{
      .name = "the pool", .started = Steady::now(), .ready = UniqueFd(ends[0]), .nginx_before = std::move(nginx)};
  const UniqueFd ready(ends[1]);
  BERTH_TRY(pool.pid, fork_child([&] { return run_pool_child(config, logger, pool, ready); }));
  return pool;
}

Result<> Supervisor::start(ChildProcess& child) {
  child.restart_at.reset();
  child.started = Steady::now();
  if (&child == &nginx_) {
    BERTH_TRY(child.pid, fork_child([this] { return nginx_process_->run(config_.log, places_.spool_lock, *pulls_); }));
    return {};
  }
  BERTH_TRY(ChildProcess started, start_pool(config_, *logger_, child.nginx_before));
  child.pid = started.pid;
  child.ready = std::move(started.ready);
  return {};
}

Result<> Supervisor::on_death(ChildProcess& child, int status) {
  kill_group(std::exchange(child.pid, 0)); // workers of a killed nginx go on holding the port
  const bool binds_itself = &child == &nginx_ && nginx_process_->sockets().empty();
  if (!announced_ && binds_itself && is_in_use(config_)) return fail(Code::io, in_use(config_));
  const bool misconfigured = &child != &nginx_ && WIFEXITED(status) && WEXITSTATUS(status) == exit_misconfigured;
  if (!announced_)
    return fail(misconfigured ? Code::invalid : Code::io, child.name + " " + describe_status(status) + " at the start");
  child.quick_deaths = Steady::now() - child.started < quick_death ? child.quick_deaths + 1 : 1;
  if (child.quick_deaths > max_quick_deaths)
    return fail(Code::io, child.name + " " + describe_status(status) + " again and again");
  logger_->error(child.name + " " + describe_status(status) + "; starting it again");
  child.restart_at = Steady::now() + restart_delay * (1 << (child.quick_deaths - 1));
  if (&child == &nginx_) {
    // The next nginx counts its spooled files from the beginning. A request of the old nginx that still waits for the
    // pool has no client any more, and would be given the file of another request.
    refuse_waiting(places_.socket);
    spool::empty_spool(config_.berth.spool);
  }
  return {};
}

Result<> Supervisor::reap() {
  for (;;) {
    int status = 0;
    const pid_t pid = ::waitpid(-1, &status, WNOHANG);
    if (pid <= 0) return {};
    std::erase(retiring_pools_, pid);
    if (reload_) reload_->note_end(pid);
    for (ChildProcess* child : {&pool_, &nginx_})
      if (child->pid == pid) BERTH_CHECK(on_death(*child, status));
  }
}

Result<> Supervisor::restart_due() {
  for (ChildProcess* child : {&pool_, &nginx_})
    if (child->restart_at && *child->restart_at <= Steady::now()) BERTH_CHECK(start(*child));
  return {};
}

// Reads the signals that came. False: stop.
Result<bool> Supervisor::handle_signals() {
  signalfd_siginfo info{};
  while (::read(signals_.get(), &info, sizeof info) == sizeof info) {
    if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT || info.ssi_signo == SIGQUIT) return false;
    if (info.ssi_signo == SIGHUP) reload_wanted_ = true;
    if (info.ssi_signo == SIGUSR2) succession_wanted_ = true;
    if (info.ssi_signo == SIGCHLD) BERTH_CHECK(reap());
  }
  return true;
}

// Milliseconds until there is something to look at.
int Supervisor::next_timeout() const {
  int timeout = announced_ ? static_cast<int>(places_interval.count()) : -1;
  if (!announced_ || reload_) timeout = static_cast<int>(look_again.count());
  for (const ChildProcess* child : {&pool_, &nginx_}) {
    if (!child->restart_at) continue;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(*child->restart_at - Steady::now()).count();
    const int wait = static_cast<int>(std::max<long>(0, left));
    timeout = timeout < 0 ? wait : std::min(timeout, wait);
  }
  return guard_.at_most(timeout);
}

// nginx writes its pid when it listens on all its addresses.
bool Supervisor::nginx_is_up() const {
  std::ifstream file(config_.berth.run_directory + "/nginx.pid");
  pid_t pid = 0;
  return file >> pid && pid == nginx_.pid;
}

// Says where it is when both halves are up. Errors: io when one is not in time.
Result<> Supervisor::announce_when_up() {
  if (!nginx_is_up() || !is_ready(pool_)) {
    if (Steady::now() - pool_.started < start_time) return {};
    return fail(Code::io, std::string(nginx_is_up() ? "the pool" : "nginx") + " is not ready after " +
                              std::to_string(start_time.count()) + " s");
  }
  announced_ = true;
  log_where_it_is(config_, *logger_);
  service_manager::ready("serving on " + config_.http.addr);
  return {};
}

// nginx first, so that what it has promised is still answered; then the pool.
void Supervisor::stop() {
  service_manager::stopping();
  if (reload_) give_reload_up("told to stop");
  logger_->info("stopping: finishing what is in progress (once more to stop at once)");
  if (nginx_.pid > 0) ::kill(nginx_.pid, SIGQUIT);
  const auto limit = config_.http.drain_timeout.value_or(drain_time);
  await_end(nginx_, signals_, std::chrono::ceil<std::chrono::seconds>(limit), SIGTERM);
  if (pool_.pid > 0) ::kill(pool_.pid, SIGTERM);
  await_end(pool_, signals_, pool_drain_time, SIGKILL);
  for (const pid_t pool : retiring_pools_) kill_group(pool);
  await_others(signals_, last_words_time); // who logs for nginx was adopted when its parent ended
  remove_socket(places_.socket_name);
}

Result<> Supervisor::run() {
  sigset_t watched;
  sigemptyset(&watched);
  for (const int signal : {SIGCHLD, SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR2}) sigaddset(&watched, signal);
  ::sigprocmask(SIG_BLOCK, &watched, nullptr);
  ::signal(SIGPIPE, SIG_IGN); // whoever reads the log may be gone before us (Ctrl-C with `| tee log`)
  signals_ = UniqueFd(::signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals_) return std::unexpected(errno_error("signalfd", "supervisor", errno));
  BERTH_TRY(const auto told, take_succession());
  Result<> running;
  if (told) {
    BERTH_CHECK(resume(*told));
  } else {
    BERTH_CHECK(prepare());
    running = start(pool_);
    if (running) running = start(nginx_);
  }
  while (running) {
    if (!announced_) running = announce_when_up();
    if (!running) break;
    go_on_reloading();
    succeed_if_due();
    guard_.look_if_due(config_, nginx_.pid, *logger_);
    look_for_places();
    pollfd poll_signals{signals_.get(), POLLIN, 0};
    ::poll(&poll_signals, 1, next_timeout());
    const auto go_on = handle_signals();
    if (go_on && !*go_on) break;
    running = go_on ? restart_due() : Result<>(std::unexpected(go_on.error()));
  }
  stop();
  return running;
}

Result<> run_supervisor(const config::Config& config, const ConfigSource& source, std::unique_ptr<Logger>& logger) {
  return Supervisor(config, source, logger).run();
}

} // namespace berth::app
