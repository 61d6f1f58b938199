#include "app/commands/registry_facts.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>

#include "app/supervisor/listen_socket.h"
#include "app/supervisor/process.h"
#include "base/random.h"
#include "base/unique_fd.h"
#include "driver/filesystem.h"
#include "fcgi/client.h"
#include "notify/notifier.h"
#include "notify/queue.h"
#include "storage/enumerate/contents.h"
#include "storage/enumerate/repositories.h"

namespace berth::app {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

constexpr auto answer_time = 5s;                       // a pool that is well answers at once
constexpr auto counting_time = 2s;                     // a person is waiting
constexpr std::uint64_t longest_counted = 64ULL << 20; // of a queue

pid_t pid_in(const std::string& path) {
  pid_t pid = 0;
  std::ifstream(path) >> pid;
  return pid;
}

bool is_alive(pid_t pid) { return pid > 0 && (::kill(pid, 0) == 0 || errno == EPERM); }

// Whether somebody holds the lock alone. It is only asked for beside others: a start that meets this waits a moment.
bool is_locked(const std::string& path) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
  return file && ::flock(file.get(), LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

std::string command_of(pid_t pid) {
  std::string name;
  std::getline(std::ifstream("/proc/" + std::to_string(pid) + "/comm"), name);
  return name;
}

// Of all repositories, or of those that there is time for.
UploadCounts uploads_of(driver::StorageDriver& driver) {
  const auto deadline = std::chrono::steady_clock::now() + counting_time;
  UploadCounts counts;
  storage::Repositories repositories(driver, [](const auto&, const Error&) { return Result<>(); }); // not ours to read
  while (const auto found = repositories.next().value_or(std::nullopt)) {
    if (found->has_uploads)
      (void)storage::each_upload(driver, found->path, [&](const std::string&) -> Result<> {
        ++counts.begun;
        return {};
      });
    counts.all_counted = std::chrono::steady_clock::now() < deadline;
    if (!counts.all_counted) break;
  }
  return counts;
}

} // namespace

Processes processes_of(const config::Config& config) {
  const std::string& directory = config.berth.run_directory;
  const std::string lock = directory + "/lock";
  Processes found;
  const pid_t nginx = pid_in(directory + "/nginx.pid");
  if (is_alive(nginx) && command_of(nginx) == "nginx") found.nginx = nginx;
  if (found.nginx > 0) found.nginx_workers = children_of(nginx).size();
  const pid_t supervisor = pid_in(lock);
  if (!is_locked(lock) || !is_alive(supervisor)) return found;
  found.supervisor = supervisor;
  struct stat info{};
  if (::stat(lock.c_str(), &info) == 0) found.since = Time(std::chrono::seconds(info.st_mtim.tv_sec)); // pid written
  for (const pid_t child : children_of(supervisor))
    if (command_of(child) == "berth-pool") found.pools.push_back(child);
  return found;
}

Result<PoolPage> ask_pool(const config::Config& config, const std::string& path) {
  BERTH_TRY(const UniqueFd connection, connect_to(config.berth.socket));
  BERTH_TRY(const fcgi::Answer answer, fcgi::ask(connection,
                                                 {{"REQUEST_METHOD", "GET"},
                                                  {"REQUEST_URI", path},
                                                  {"REQUEST_SCHEME", "http"},
                                                  {"SERVER_PROTOCOL", "HTTP/1.1"},
                                                  {"HTTP_HOST", "localhost"},
                                                  {"CONTENT_LENGTH", "0"},
                                                  {"BERTH_SERVER", "debug"}},
                                                 answer_time));
  PoolPage page{answer.status, nlohmann::ordered_json::parse(answer.body, nullptr, false)};
  if (!page.json.is_object()) return fail(Code::io, "the pool's answer is not understood");
  return page;
}

UploadCounts count_uploads(const config::Config& config) {
  driver::FsOps ops;
  SystemRandom random;
  driver::Filesystem driver(config.storage.root, ops, random);
  UploadCounts counts = uploads_of(driver);
  std::error_code error;
  for (fs::directory_iterator entry(config.berth.spool, error), end; !error && entry != end; entry.increment(error))
    if (entry->path().filename() != "lock") ++counts.arriving;
  return counts;
}

std::vector<QueueState> queues_of(const config::Config& config) {
  std::vector<QueueState> queues;
  NullLogger logger;
  for (const config::NotificationEndpoint& endpoint : config.notifications.endpoints) {
    if (endpoint.disabled) continue;
    notify::QueueOptions options;
    options.directory = config.berth.state_directory + "/notifications/" + notify::queue_name(endpoint.name);
    QueueState state{endpoint.name, 0, 0};
    std::error_code error;
    if (fs::is_directory(options.directory, error)) {
      const auto queue = notify::Queue::open(std::move(options), logger);
      if (!queue) continue;
      state.bytes = (*queue)->bytes();
      state.waiting.reset();
      if (state.bytes <= longest_counted)
        if (const auto waiting = (*queue)->count()) state.waiting = *waiting;
    }
    queues.push_back(std::move(state));
  }
  return queues;
}

Result<Space> space_of(const std::string& root) {
  struct statvfs info{};
  if (::statvfs(root.c_str(), &info) != 0) return std::unexpected(errno_error("statvfs", root, errno));
  return Space{std::uint64_t{info.f_blocks} * info.f_frsize, std::uint64_t{info.f_bavail} * info.f_frsize};
}

} // namespace berth::app
