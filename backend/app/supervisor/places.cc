#include "app/supervisor/places.h"

#include <sys/stat.h>

#include "app/supervisor/run_directory.h"
#include "spool/spool.h"

namespace berth::app {
namespace {

// Whether the path still names the file that is open.
bool names(const std::string& path, const UniqueFd& file) {
  struct stat open{}, named{};
  return ::fstat(file.get(), &open) == 0 && ::lstat(path.c_str(), &named) == 0 && open.st_ino == named.st_ino &&
         open.st_dev == named.st_dev;
}

} // namespace

bool Places::are_there(const config::Config& config) const {
  const SocketName found = name_of_socket(config.berth.socket);
  return names(config.berth.run_directory + "/lock", lock) && names(config.berth.spool + "/lock", spool_lock) &&
         found.inode == socket_name.inode && found.device == socket_name.device;
}

Result<> Places::make_again(const config::Config& config, const Account& account, Logger& logger) {
  BERTH_CHECK(prepare_directories(config, account));
  if (!names(config.berth.run_directory + "/lock", lock)) {
    BERTH_TRY(lock, lock_run_directory(config, logger));
  }
  if (!names(config.berth.spool + "/lock", spool_lock)) {
    BERTH_TRY(spool_lock, spool::lock_spool(config.berth.spool));
  }
  BERTH_TRY(socket, listen_on(config.berth.socket));
  socket_name = name_of_socket(config.berth.socket);
  return {};
}

DirectoryKeeper::DirectoryKeeper(const config::Config& config, const Account& account, Logger& logger)
    : periodic_(places_interval, [&, told = false](const std::stop_token&) mutable -> Periodic::Pause {
        struct stat status{};
        if (::stat(config.berth.spool.c_str(), &status) == 0) return places_interval;
        const auto made = prepare_directories(config, account);
        if (made) logger.warn("the spool was gone, and is made again", {{"path", config.berth.spool}});
        if (!made && !told) logger.error("the spool is gone: " + made.error().message);
        told = !made;
        return places_interval;
      }) {}

Result<std::string> socket_for_nginx(const config::Config::Berth& berth) {
  const std::string in_run_directory = berth.run_directory + "/";
  if (berth.socket.size() <= max_socket_path) return berth.socket;
  if (berth.socket.starts_with(in_run_directory)) return berth.socket.substr(in_run_directory.size());
  return fail(Code::invalid,
              "berth.socket: \"" + berth.socket + "\": at most 107 characters outside the run directory");
}

// What a reload cannot change: where things are, and who serves.
Result<> same_places(const config::Config& now, const config::Config& wanted) {
  std::string changed;
  const auto compare = [&](std::string_view key, const std::string& before, const std::string& after) {
    if (before != after) changed.append(changed.empty() ? "" : ", ").append(key);
  };
  const auto refuse = [&] { return fail(Code::invalid, "a change of " + changed + " needs a restart"); };
  compare("storage.filesystem.rootdirectory", now.storage.root, wanted.storage.root);
  compare("http.addr", now.http.addr, wanted.http.addr);
  if (!changed.empty()) return refuse(); // the others follow from these
  compare("berth.statedirectory", now.berth.state_directory, wanted.berth.state_directory);
  compare("berth.rundirectory", now.berth.run_directory, wanted.berth.run_directory);
  compare("berth.spool", now.berth.spool, wanted.berth.spool);
  compare("berth.socket", now.berth.socket, wanted.berth.socket);
  compare("berth.user", now.berth.user, wanted.berth.user);
  compare("berth.nginx.binary", now.berth.nginx_binary, wanted.berth.nginx_binary);
  compare("berth.nginx.directory", now.berth.nginx_directory, wanted.berth.nginx_directory);
  if (!changed.empty()) return refuse();
  return {};
}

} // namespace berth::app
