#include "app/commands/robot.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <sys/file.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <functional>

#include "app/commands/commands.h"
#include "app/commands/complain.h"
#include "app/commands/environment.h"
#include "app/supervisor/account.h"
#include "auth/robots.h"
#include "base/content.h"
#include "base/random.h"
#include "base/small_file.h"
#include "base/unique_fd.h"
#include "config/config.h"

namespace berth::app {
namespace {

// The file's path. From here on this is the user who serves and so reads the file.
Result<std::string> file_of(const std::string& config_path) {
  BERTH_TRY(const auto loaded, config::load(config_path, environment_of_process()));
  if (!loaded.config.berth.access.given)
    return fail(Code::invalid, config_path + ": without berth.access there are no robots");
  BERTH_TRY(const Account account, account_of(loaded.config));
  BERTH_CHECK(act_as(account, loaded.config));
  BERTH_CHECK(drop_root());
  return loaded.config.berth.access.robots;
}

// Reads, changes and writes the file, one process after the other.
Result<> change(const std::string& path, const std::function<Result<>(auth::Robots&)>& how) {
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), error);
  const std::string lock_path = path + ".lock";
  const UniqueFd lock(::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock) return std::unexpected(errno_error("open", lock_path, errno));
  while (::flock(lock.get(), LOCK_EX) != 0)
    if (errno != EINTR) return std::unexpected(errno_error("flock", lock_path, errno));
  auto robots = auth::read_robots(path);
  if (!robots) return fail(Code::invalid, path + ": " + robots.error().message);
  BERTH_CHECK(how(*robots));
  return replace_small_file(path, auth::robots_text(*robots));
}

Result<auth::Robot> robot_of(const std::vector<std::string>& may, int days, const std::string& secret) {
  auth::Robot robot;
  robot.hash = auth::robot_hash(secret);
  robot.created = std::chrono::floor<std::chrono::seconds>(SystemClock().now());
  robot.expires = days == 0 ? Time::max() : robot.created + std::chrono::hours(24) * days;
  for (const std::string& text : may) {
    auto bound = auth::parse_bound(text);
    if (!bound) return fail(Code::invalid, "--may " + bound.error().message);
    robot.may.push_back(*std::move(bound));
  }
  return robot;
}

std::string end_of(const auth::Robot& robot) {
  return robot.expires == Time::max() ? "never" : to_rfc3339(robot.expires);
}

} // namespace

int add_robot(const std::string& config_path, const std::string& name, const std::vector<std::string>& may, int days) {
  if (const auto good = auth::check_robot_name(name); !good) return complain(good.error());
  SystemRandom random;
  std::string secret = auth::make_robot_secret(random);
  const auto robot = robot_of(may, days, secret);
  if (!robot) return complain(robot.error());
  const auto path = file_of(config_path);
  if (!path) return complain(path.error());
  const auto changed = change(*path, [&](auth::Robots& robots) -> Result<> {
    if (!robots.emplace(name, *robot).second)
      return fail(Code::invalid, "there is a robot " + name + " already; `berth robot remove` ends it");
    return {};
  });
  if (!changed) return complain(changed.error());
  std::printf("user      robot:%s\npassword  %s\nends      %s\n", name.c_str(), secret.c_str(), end_of(*robot).c_str());
  OPENSSL_cleanse(secret.data(), secret.size());
  return exit_ok;
}

int list_robots(const std::string& config_path) {
  const auto path = file_of(config_path);
  if (!path) return complain(path.error());
  const auto robots = auth::read_robots(*path);
  if (!robots) return complain({Code::invalid, *path + ": " + robots.error().message, {}});
  const Time now = SystemClock().now();
  for (const auto& [name, robot] : *robots) {
    std::string bounds;
    for (const auth::Bound& bound : robot.may) bounds += " " + bound.action + ":" + bound.repository;
    std::printf("robot:%s  made %s  %s %s %s\n", name.c_str(), to_rfc3339(robot.created).c_str(),
                now < robot.expires ? "ends" : "ended", end_of(robot).c_str(), bounds.c_str());
  }
  return exit_ok;
}

int remove_robot(const std::string& config_path, const std::string& name) {
  const auto path = file_of(config_path);
  if (!path) return complain(path.error());
  const auto changed = change(*path, [&](auth::Robots& robots) -> Result<> {
    if (robots.erase(name) == 0) return fail(Code::invalid, "there is no robot " + name);
    return {};
  });
  return changed ? exit_ok : complain(changed.error());
}

} // namespace berth::app
