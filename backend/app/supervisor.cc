#include "app/supervisor.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <vector>

#include "app/account.h"
#include "app/certificate.h"
#include "app/listen_socket.h"
#include "app/nginx_tree.h"
#include "app/pool.h"
#include "app/process.h"
#include "base/content.h"
#include "base/unique_fd.h"

namespace berth::app {
namespace {

using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;

// How long a stop waits for transfers in progress; who is not done then is ended.
constexpr auto drain_time = 10s;
// How long a start waits for the pool of a supervisor that was killed.
constexpr auto orphan_time = 30s;
constexpr auto pool_drain_time = 5s;
// A half that lives shorter than this has died quickly; after so many quick deaths in a row it is given up.
constexpr auto quick_death = 10s;
constexpr int max_quick_deaths = 5;
constexpr auto restart_delay = 100ms; // doubled with every quick death
constexpr auto temporary_lifetime = 24h;
constexpr int start_poll_milliseconds = 20; // how often to look whether nginx is up

// A child process and its history.
struct Half {
  std::string name;
  std::function<int()> body;
  pid_t pid = 0; // 0: not running
  Steady::time_point started{};
  int quick_deaths = 0;
  std::optional<Steady::time_point> restart_at;
};

void raise_file_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

// The pid that a lock file names; 0 if it names none.
pid_t holder_of(int lock) {
  std::array<char, 16> text{};
  if (::pread(lock, text.data(), text.size() - 1, 0) <= 0) return 0;
  return static_cast<pid_t>(std::strtol(text.data(), nullptr, 10));
}

// Takes the run directory for this supervisor, and for the pools that it forks: they hold the lock too, so that a pool
// which outlives a killed supervisor has done its last request before nginx uses the names of spooled files again.
Result<UniqueFd> lock_run_directory(const config::Config& config) {
  const std::string path = config.berth.run_directory + "/lock";
  UniqueFd lock(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (!lock) return std::unexpected(errno_error("open", path, errno));
  const auto deadline = Steady::now() + orphan_time;
  while (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    const pid_t holder = holder_of(lock.get());
    if (holder == 0 || ::kill(holder, 0) == 0 || errno == EPERM || Steady::now() > deadline)
      return fail(Code::invalid, "another `berth up` runs with " + config.berth.run_directory +
                                     " (another http.addr, or berth.rundirectory and berth.spool, keep two apart)");
    ::poll(nullptr, 0, start_poll_milliseconds);
  }
  const std::string pid = std::to_string(::getpid());
  if (::ftruncate(lock.get(), 0) != 0 || ::pwrite(lock.get(), pid.data(), pid.size(), 0) < 0)
    return std::unexpected(errno_error("write", path, errno));
  return lock;
}

// nginx removes a spooled file by its name, so two of them must not use one spool.
Result<UniqueFd> lock_spool(const std::string& spool) {
  UniqueFd lock(::open(spool.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!lock) return std::unexpected(errno_error("open", spool, errno));
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0)
    return fail(Code::invalid, "berth.spool: \"" + spool + "\": another `berth up` uses it; each needs its own");
  return lock;
}

// Removes the bodies of requests that nobody waits for any more: files named as nginx names them, ten digits.
void empty_spool(const std::string& spool) {
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(spool, ignored)) {
    const std::string name = entry.path().filename();
    if (name.size() == 10 && name.find_first_not_of("0123456789") == std::string::npos &&
        entry.is_regular_file(ignored))
      std::filesystem::remove(entry.path(), ignored);
  }
}

// What writers that died have left. Files that are being written now are younger.
void remove_old_temporaries(const std::string& directory) {
  std::error_code ignored;
  const auto limit = std::filesystem::file_time_type::clock::now() - temporary_lifetime;
  for (const auto& entry : std::filesystem::directory_iterator(directory, ignored))
    if (entry.last_write_time(ignored) < limit) std::filesystem::remove_all(entry.path(), ignored);
}

class Supervisor {
public:
  Supervisor(const config::Config& config, const LoadConfig& load_config, Logger& logger)
      : config_(config), load_config_(load_config), logger_(logger) {}

  Result<> run();

private:
  Result<> prepare();
  Result<> install_nginx_tree(const config::Config& config);
  int run_pool_half();
  Result<> start(Half& half);
  Result<> reap();
  Result<> on_death(Half& half, int status);
  Result<> restart_due();
  bool nginx_is_up() const;
  void announce();
  void reload();
  void stop();
  void await_end(Half& half, std::chrono::seconds limit, int second_signal);
  Result<bool> handle_signals();
  int next_timeout() const;

  config::Config config_;
  const LoadConfig& load_config_;
  Logger& logger_;
  Account account_;
  NginxSettings nginx_settings_;
  UniqueFd lock_; // held by the pools as well, see lock_run_directory
  UniqueFd spool_lock_;
  UniqueFd socket_;
  UniqueFd signals_;
  Half pool_{"the pool", {}, 0, {}, 0, {}};
  Half nginx_{"nginx", {}, 0, {}, 0, {}};
  std::vector<pid_t> retiring_pools_; // pools before a reload, finishing their requests
  bool announced_ = false;            // both halves were up once: from then on one that dies is started again
};

Result<> Supervisor::install_nginx_tree(const config::Config& config) {
  if (!config.http.tls_certificate.empty())
    BERTH_CHECK(check_certificate(config.http.tls_certificate, config.http.tls_key, SystemClock().now()));
  const std::string tree = config.berth.run_directory + "/nginx", fresh = tree + ".new";
  std::error_code error;
  std::filesystem::remove_all(fresh, error); // one that a full disk cut short
  BERTH_CHECK(write_nginx_tree(fresh, config, nginx_settings_));
  BERTH_CHECK(test_nginx_tree(fresh, config, nginx_settings_));
  std::filesystem::remove_all(tree, error);
  std::filesystem::rename(fresh, tree, error);
  if (error) return fail(Code::io, "cannot replace " + tree + ": " + error.message());
  return {};
}

Result<> Supervisor::prepare() {
  BERTH_TRY(account_, account_of(config_));
  BERTH_CHECK(prepare_directories(config_, account_));
  BERTH_TRY(lock_, lock_run_directory(config_));
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  if (const int killed = kill_orphaned_nginx(config_.berth.run_directory); killed > 0)
    logger_.warn("ended nginx processes that a killed `berth up` had left behind", {{"count", std::to_string(killed)}});
  BERTH_TRY(spool_lock_, lock_spool(config_.berth.spool));
  empty_spool(config_.berth.spool);
  remove_old_temporaries(config_.storage.root + "/berth/tmp");
  ::unlink((config_.berth.run_directory + "/nginx.pid").c_str());
  raise_file_limit();

  BERTH_TRY(nginx_settings_, find_nginx(config_));
  nginx_settings_.user = nginx_user(account_);
  // Too long for an address: nginx is told its name below the working directory, which is the run directory.
  const std::string in_run_directory = config_.berth.run_directory + "/";
  if (config_.berth.socket.size() > max_socket_path) {
    if (!config_.berth.socket.starts_with(in_run_directory))
      return fail(Code::invalid,
                  "berth.socket: \"" + config_.berth.socket + "\": at most 107 characters outside the run directory");
    nginx_settings_.socket = config_.berth.socket.substr(in_run_directory.size());
  }
  BERTH_CHECK(install_nginx_tree(config_));
  BERTH_TRY(socket_, listen_on(config_.berth.socket));
  if (account_.started_as_root && ::chown(config_.berth.socket.c_str(), account_.uid, account_.gid) != 0)
    return std::unexpected(errno_error("chown", config_.berth.socket, errno));
  pool_.body = [this] { return run_pool_half(); };
  nginx_.body = [this] {
    const std::string& run = config_.berth.run_directory;
    return execute({nginx_settings_.binary, "-e", "stderr", "-p", run + "/", "-c", run + "/nginx/nginx.conf"}, run);
  };
  return {};
}

int Supervisor::run_pool_half() {
  ::prctl(PR_SET_NAME, "berth-pool");
  signals_.reset();
  if (const auto changed = become(account_); !changed) {
    logger_.error(changed.error().message);
    return 1;
  }
  ::prctl(PR_SET_PDEATHSIG, SIGTERM); // the kernel forgets it when the user changes
  const auto served = run_pool(config_, socket_, Spool::ours_alone, logger_);
  if (!served) logger_.error("the pool cannot serve: " + served.error().message);
  return served ? 0 : 1;
}

Result<> Supervisor::start(Half& half) {
  half.restart_at.reset();
  half.started = Steady::now();
  BERTH_TRY(half.pid, fork_child(half.body));
  return {};
}

Result<> Supervisor::on_death(Half& half, int status) {
  kill_group(std::exchange(half.pid, 0)); // workers of a killed nginx go on holding the port
  if (!announced_) return fail(Code::io, half.name + " " + describe_status(status) + " at the start");
  half.quick_deaths = Steady::now() - half.started < quick_death ? half.quick_deaths + 1 : 1;
  if (half.quick_deaths > max_quick_deaths)
    return fail(Code::io, half.name + " " + describe_status(status) + " again and again");
  logger_.error(half.name + " " + describe_status(status) + "; starting it again");
  half.restart_at = Steady::now() + restart_delay * (1 << (half.quick_deaths - 1));
  return {};
}

Result<> Supervisor::reap() {
  for (;;) {
    int status = 0;
    const pid_t pid = ::waitpid(-1, &status, WNOHANG);
    if (pid <= 0) return {};
    std::erase(retiring_pools_, pid);
    for (Half* half : {&pool_, &nginx_})
      if (half->pid == pid) BERTH_CHECK(on_death(*half, status));
  }
}

Result<> Supervisor::restart_due() {
  for (Half* half : {&pool_, &nginx_})
    if (half->restart_at && *half->restart_at <= Steady::now()) BERTH_CHECK(start(*half));
  return {};
}

// Reads the signals that came. False: stop.
Result<bool> Supervisor::handle_signals() {
  signalfd_siginfo info{};
  while (::read(signals_.get(), &info, sizeof info) == sizeof info) {
    if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT || info.ssi_signo == SIGQUIT) return false;
    if (info.ssi_signo == SIGHUP) reload();
    if (info.ssi_signo == SIGCHLD) BERTH_CHECK(reap());
  }
  return true;
}

// Milliseconds until there is something to look at; for ever, if nothing is due.
int Supervisor::next_timeout() const {
  int timeout = -1;
  if (!announced_) timeout = start_poll_milliseconds;
  for (const Half* half : {&pool_, &nginx_}) {
    if (!half->restart_at) continue;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(*half->restart_at - Steady::now()).count();
    const int wait = static_cast<int>(std::max<long>(0, left));
    timeout = timeout < 0 ? wait : std::min(timeout, wait);
  }
  return timeout;
}

// New configuration, new certificate: nginx reloads, and a new pool takes over from the old one on the same socket.
// What is wrong is said, and everything goes on as it was.
void Supervisor::reload() {
  auto loaded = load_config_();
  if (loaded &&
      (loaded->storage.root != config_.storage.root || loaded->berth.run_directory != config_.berth.run_directory ||
       loaded->berth.spool != config_.berth.spool || loaded->berth.socket != config_.berth.socket ||
       loaded->berth.user != config_.berth.user))
    loaded = fail(Code::invalid,
                  "storage.filesystem.rootdirectory, http.addr's port and berth.{rundirectory,spool,socket,user} "
                  "need a restart");
  Result<> installed;
  if (loaded) installed = install_nginx_tree(*loaded);
  if (!loaded || !installed) {
    logger_.error("not reloaded: " + (loaded ? installed.error() : loaded.error()).message);
    return;
  }
  config_ = *std::move(loaded);
  if (nginx_.pid > 0) ::kill(nginx_.pid, SIGHUP);
  if (pool_.pid > 0) {
    const pid_t old = std::exchange(pool_.pid, 0);
    retiring_pools_.push_back(old);
    if (const auto started = start(pool_); !started) logger_.error(started.error().message);
    ::kill(old, SIGTERM);
  }
  logger_.info("reloaded");
}

// nginx writes its pid when it listens on all its addresses.
bool Supervisor::nginx_is_up() const {
  std::ifstream file(config_.berth.run_directory + "/nginx.pid");
  pid_t pid = 0;
  return file >> pid && pid == nginx_.pid;
}

void Supervisor::announce() {
  announced_ = true;
  const bool tls = !config_.http.tls_certificate.empty();
  const std::string shown = config_.http.addr.starts_with(":") ? "localhost" + config_.http.addr : config_.http.addr;
  logger_.info("listening on " + std::string(tls ? "https://" : "http://") + shown);
  logger_.info("data is in " + config_.storage.root);
  logger_.info("try: docker tag IMAGE " + shown + "/IMAGE && docker push " + shown + "/IMAGE");
}

// Waits for a half to end; sends second_signal when the time is over or another signal comes, and kills in the end.
void Supervisor::await_end(Half& half, std::chrono::seconds limit, int second_signal) {
  const auto deadline = Steady::now() + limit;
  bool urged = false;
  while (half.pid > 0) {
    if (const pid_t pid = ::waitpid(half.pid, nullptr, WNOHANG); pid == half.pid || (pid < 0 && errno == ECHILD)) {
      kill_group(std::exchange(half.pid, 0));
      return;
    }
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Steady::now()).count();
    pollfd poll_signals{signals_.get(), POLLIN, 0};
    ::poll(&poll_signals, 1, static_cast<int>(std::clamp<long>(left, 10, 1000)));
    bool told_again = false;
    signalfd_siginfo info{};
    while (::read(signals_.get(), &info, sizeof info) == sizeof info)
      told_again = told_again || info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT;
    if (!urged && (told_again || left <= 0)) {
      urged = true;
      ::kill(half.pid, second_signal);
    } else if (urged && Steady::now() > deadline + pool_drain_time) {
      ::kill(half.pid, SIGKILL);
    }
  }
}

// nginx first, so that what it has promised is still answered; then the pool.
void Supervisor::stop() {
  logger_.info("stopping: finishing what is in progress (once more to stop at once)");
  if (nginx_.pid > 0) ::kill(nginx_.pid, SIGQUIT);
  await_end(nginx_, drain_time, SIGTERM);
  if (pool_.pid > 0) ::kill(pool_.pid, SIGTERM);
  await_end(pool_, pool_drain_time, SIGKILL);
  for (const pid_t pool : retiring_pools_) kill_group(pool);
  ::unlink(config_.berth.socket.c_str());
}

Result<> Supervisor::run() {
  sigset_t watched;
  sigemptyset(&watched);
  for (const int signal : {SIGCHLD, SIGTERM, SIGINT, SIGQUIT, SIGHUP}) sigaddset(&watched, signal);
  ::sigprocmask(SIG_BLOCK, &watched, nullptr);
  ::signal(SIGPIPE, SIG_IGN); // whoever reads the log may be gone before us (Ctrl-C with `| tee log`)
  signals_ = UniqueFd(::signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals_) return std::unexpected(errno_error("signalfd", "supervisor", errno));
  BERTH_CHECK(prepare());
  Result<> running = start(pool_);
  if (running) running = start(nginx_);
  while (running) {
    if (!announced_ && nginx_is_up()) announce();
    pollfd poll_signals{signals_.get(), POLLIN, 0};
    ::poll(&poll_signals, 1, next_timeout());
    const auto go_on = handle_signals();
    if (go_on && !*go_on) break;
    running = go_on ? restart_due() : Result<>(std::unexpected(go_on.error()));
  }
  stop();
  return running;
}

} // namespace

Result<> run_supervisor(const config::Config& config, const LoadConfig& load_config, Logger& logger) {
  return Supervisor(config, load_config, logger).run();
}

} // namespace berth::app
