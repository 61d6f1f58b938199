#include "app/pool/collector.h"

#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

#include "app/pool/purger.h"
#include "base/content.h"
#include "storage/paths.h"

namespace berth::app {
namespace {

using namespace std::chrono_literals;

constexpr auto poll_interval = 100ms;
constexpr const char* this_program = "/proc/self/exe"; // also when an upgrade has put another in its place

// Starts the command with all signals as a shell would have them: here they are blocked.
Result<pid_t> start_run(const std::string& config_file) {
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  sigset_t none, all;
  ::sigemptyset(&none);
  ::sigfillset(&all);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setsigdefault(&attributes, &all);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  std::array<std::string, 4> words{"berth", "garbage-collect", "--background", config_file};
  std::array<char*, 5> arguments{words[0].data(), words[1].data(), words[2].data(), words[3].data(), nullptr};
  pid_t pid = 0;
  const int error = ::posix_spawn(&pid, this_program, nullptr, &attributes, arguments.data(), environ);
  ::posix_spawnattr_destroy(&attributes);
  if (error != 0) return std::unexpected(errno_error("posix_spawn", this_program, error));
  return pid;
}

// Waits for its end, or asks it to end when it is time to stop. Returns its status.
int await(pid_t pid, const std::stop_token& stop) {
  int status = 0;
  bool asked = false;
  for (;;) {
    const pid_t ended = ::waitpid(pid, &status, WNOHANG);
    if (ended == pid || (ended < 0 && errno != EINTR)) return status;
    if (stop.stop_requested() && !std::exchange(asked, true)) ::kill(pid, SIGTERM);
    std::this_thread::sleep_for(poll_interval);
  }
}

} // namespace

Collector::Collector(const config::Config& config, std::string config_file, Random& random, Logger& logger)
    : config_file_(std::move(config_file)), logger_(logger) {
  const config::Collection& collection = config.berth.collection;
  if (!collection.enabled || config.storage.read_only || config_file_.empty()) return;
  periodic_.emplace(part_of(collection.interval, random), [this, interval = collection.interval](const auto& stop) {
    run(stop);
    return Periodic::Pause(interval);
  });
}

void Collector::run(const std::stop_token& stop) {
  const auto pid = start_run(config_file_);
  if (!pid) return logger_.error("garbage was not collected", {{"error", pid.error().message}});
  const int status = await(*pid, stop);
  if (status != 0 && !stop.stop_requested())
    logger_.error("garbage was not collected", {{"status", std::to_string(status)}});
}

Result<std::unique_ptr<driver::Lock>> exclude_collection_now(driver::Locks& locks, Logger& logger) {
  auto lock = locks.shared(storage::paths::pools_lock());
  if (lock || is(lock.error(), Code::busy)) return lock;
  logger.debug("this pool is not seen by garbage-collect --now", {{"error", lock.error().message}});
  return nullptr;
}

} // namespace berth::app
