#include "app/supervisor/run_directory.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <vector>

#include "app/supervisor/process.h"
#include "base/content.h"
#include "spool/lock_file.h"

namespace berth::app {
namespace {

using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;
namespace fs = std::filesystem;

constexpr auto orphan_time = 30s; // how long a start waits for the pool of a supervisor that was killed
constexpr int poll_milliseconds = 20;

// The pid that a lock file names; 0 if it names none.
pid_t holder_of(const std::string& path) {
  const UniqueFd lock(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
  std::array<char, 16> text{};
  if (!lock || ::pread(lock.get(), text.data(), text.size() - 1, 0) <= 0) return 0;
  return static_cast<pid_t>(std::strtol(text.data(), nullptr, 10));
}

bool is_running(pid_t pid) { return pid <= 0 || ::kill(pid, 0) == 0 || errno == EPERM; }

bool is_real_directory(const fs::path& path) {
  std::error_code error;
  return fs::is_directory(fs::symlink_status(path, error));
}

// A directory of another host, or of another port: gone if its locks are free.
void remove_if_vanished(const fs::path& directory, Logger& logger) {
  std::error_code error;
  if (!is_real_directory(directory / "spool") || !fs::exists(directory / "spool" / "lock", error)) return;
  std::vector<UniqueFd> held; // the run directory's first, as a start takes them in this order
  for (const char* name : {"run", "spool"}) {
    if (!is_real_directory(directory / name)) continue;
    auto lock = spool::try_lock(directory / name / "lock");
    if (!lock) return;
    held.push_back(*std::move(lock));
  }
  fs::remove_all(directory, error);
  if (error)
    logger.warn("cannot remove what a host that is gone has left: " + error.message(), {{"path", directory}});
  else
    logger.info("removed what a host that is gone has left", {{"path", directory}});
}

} // namespace

Result<UniqueFd> lock_run_directory(const config::Config& config, Logger& logger) {
  const std::string& directory = config.berth.run_directory;
  const std::string path = directory + "/lock";
  const auto deadline = Steady::now() + orphan_time;
  bool told = false;
  auto lock = spool::try_lock(path);
  for (; !lock && is(lock.error(), Code::busy); lock = spool::try_lock(path)) {
    const pid_t holder = holder_of(path);
    if (is_running(holder))
      return fail(Code::invalid, "another `berth up`" + (holder > 0 ? " (pid " + std::to_string(holder) + ")" : "") +
                                     " runs with " + directory +
                                     " (another http.addr, or berth.rundirectory and berth.spool, keep two apart)");
    if (stop_is_pending()) return fail(Code::io, "told to stop while waiting for " + path);
    if (Steady::now() > deadline)
      return fail(Code::invalid, "a pool that a killed `berth up` (pid " + std::to_string(holder) +
                                     ") has left behind still works on a request, and holds " + path +
                                     "; wait for it, or end it (`fuser " + path + "` names it)");
    if (!told)
      logger.warn("waiting for a pool that a killed `berth up` has left behind to finish its requests",
                  {{"lock", path}, {"seconds", std::to_string(orphan_time.count())}});
    told = true;
    ::poll(nullptr, 0, poll_milliseconds);
  }
  if (!lock) return lock;
  const std::string pid = std::to_string(::getpid());
  if (::ftruncate(lock->get(), 0) != 0 || ::pwrite(lock->get(), pid.data(), pid.size(), 0) < 0)
    return std::unexpected(errno_error("write", path, errno));
  return lock;
}

void remove_vanished(const config::Config& config, Logger& logger) {
  const fs::path beside = fs::path(config.storage.root) / "berth";
  const fs::path own = fs::path(config.berth.spool).parent_path();
  if (own.parent_path() != beside) return; // a spool of the operator's own choice has no siblings that are ours
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(beside, error))
    if (entry.path() != own && entry.path() != fs::path(config.berth.run_directory).parent_path() &&
        is_real_directory(entry.path()))
      remove_if_vanished(entry.path(), logger);
}

} // namespace berth::app
