// Places: the directories, locks and the socket that a running `berth up` has, most of them in the store's volume.
#pragma once

#include <chrono>

#include "app/supervisor/account.h"
#include "app/supervisor/listen_socket.h"
#include "base/log.h"
#include "base/periodic.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "config/config.h"

namespace berth::app {

inline constexpr std::chrono::milliseconds places_interval{200}; // between looks at whether they are there

struct Places {
  UniqueFd lock;       // of the run directory; held by the pools as well, see lock_run_directory
  UniqueFd spool_lock; // and this one by nginx, too
  UniqueFd socket;
  SocketName socket_name;

  // Returns true if all of them still exist and are ours: false once the volume has been emptied.
  bool are_there(const config::Config& config) const;
  // Makes those that are gone. What is left is not touched, but for the socket: that is always a new one.
  // Errors: invalid, storage_full, io; some may have been made then.
  Result<> make_again(const config::Config& config, const Account& account, Logger& logger);
};

// Makes the directories again if they are removed below a pool without a supervisor (`berth serve`): the shared spool
// lies in the store's volume, and nginx does not make it. Threads: one of its own. Borrows: all.
class DirectoryKeeper {
public:
  DirectoryKeeper(const config::Config& config, const Account& account, Logger& logger);

private:
  Periodic periodic_;
};

// How nginx names the pool's socket: by its path, or, if that is too long for an address, by its name below the run
// directory, which is nginx's working directory. Errors: invalid.
Result<std::string> socket_for_nginx(const config::Config::Berth& berth);

// What a reload cannot change: where things are, and who serves. Errors: invalid, naming the keys.
Result<> same_places(const config::Config& now, const config::Config& wanted);

} // namespace berth::app
