#include "app/pool/background_command.h"

#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
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
constexpr config::Duration most_between_looks = 1h;
constexpr const char* this_program = "/proc/self/exe"; // also when an upgrade has put another in its place

// Starts the command with all signals as a shell would have them: here they are blocked.
Result<pid_t> start_run(const std::string& command, const std::string& config_file) {
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  sigset_t none, all;
  ::sigemptyset(&none);
  ::sigfillset(&all);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setsigdefault(&attributes, &all);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  std::array<std::string, 4> words{"berth", command, "--background", config_file};
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

Schedule collection_of(const config::Config& config) {
  const config::Collection& collection = config.berth.collection;
  return {collection.enabled && !config.storage.read_only, collection.interval, "garbage-collect",
          "garbage was not collected"};
}

// Looked for more often than it is due, so that one that was cut short goes on soon.
Schedule verification_of(const config::Config& config) {
  const config::Verification& verification = config.berth.verification;
  return {.enabled = verification.enabled && !config.storage.read_only,
          .interval = std::min(verification.interval, most_between_looks),
          .command = "verify",
          .when_not = "the store was not verified",
          .worst_success = 1};
}

BackgroundCommand::BackgroundCommand(Schedule schedule, std::string config_file, Random& random, Logger& logger)
    : schedule_(std::move(schedule)), config_file_(std::move(config_file)), logger_(logger) {
  if (!schedule_.enabled || config_file_.empty()) return;
  periodic_.emplace(part_of(schedule_.interval, random), [this](const auto& stop) {
    run(stop);
    return Periodic::Pause(schedule_.interval);
  });
}

void BackgroundCommand::run(const std::stop_token& stop) {
  const auto pid = start_run(schedule_.command, config_file_);
  if (!pid) return logger_.error(schedule_.when_not, {{"error", pid.error().message}});
  const int status = await(*pid, stop);
  const bool well = WIFEXITED(status) && WEXITSTATUS(status) <= schedule_.worst_success;
  if (!well && !stop.stop_requested()) logger_.error(schedule_.when_not, {{"status", std::to_string(status)}});
}

Result<std::unique_ptr<driver::Lock>> exclude_collection_now(driver::Locks& locks, Logger& logger) {
  auto lock = locks.shared(storage::paths::pools_lock());
  if (lock || is(lock.error(), Code::busy)) return lock;
  logger.debug("this pool is not seen by garbage-collect --now", {{"error", lock.error().message}});
  return nullptr;
}

} // namespace berth::app
