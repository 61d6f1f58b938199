#include "app/supervisor/limits.h"

#include <sys/resource.h>

#include <string>
#include <thread>

namespace berth::app {
namespace {

// With fewer the halves start and then fail in the middle of requests.
constexpr rlim_t min_files = 256;
// A worker of nginx has 4096 connections (nginx/nginx.conf), and a pull takes two.
constexpr rlim_t enough_files = 8192;
// Beside the pool's threads and nginx's workers: supervisor, nginx's master, its log, and the pool's own few threads.
constexpr rlim_t other_processes = 8;

std::string says(const char* name, rlim_t limit) { return std::string(name) + " is " + std::to_string(limit); }

} // namespace

Result<> check_limits(const config::Config& config, const Account& account, Logger& logger) {
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
    const std::string raise = " (raise it by ulimit -n, or LimitNOFILE= of systemd)";
    if (files.rlim_max < min_files)
      return fail(Code::invalid, says("RLIMIT_NOFILE", files.rlim_max) + ": berth needs at least " +
                                     std::to_string(min_files) + " open files a process" + raise);
    if (files.rlim_max < enough_files)
      logger.warn(says("RLIMIT_NOFILE", files.rlim_max) + ": nginx has use for " + std::to_string(enough_files) +
                  " open files a worker, and refuses connections when it has no more" + raise);
  }
  rlimit processes{};
  const rlim_t needed = config.berth.threads + std::thread::hardware_concurrency() + other_processes;
  // Root's are not counted.
  if (account.uid != 0 && ::getrlimit(RLIMIT_NPROC, &processes) == 0 && processes.rlim_cur < needed)
    return fail(Code::invalid, says("RLIMIT_NPROC", processes.rlim_cur) + ": berth needs at least " +
                                   std::to_string(needed) +
                                   " processes and threads of its user (raise it by ulimit -u, or LimitNPROC= of "
                                   "systemd, or lower berth.threads)");
  return {};
}

} // namespace berth::app
