// Account: the user who serves: both nginx's workers and the pool (docs/decisions/0001), and how root becomes that user
// (docs/decisions/0006).
#pragma once

#include <sys/types.h>

#include <string>

#include "base/result.h"
#include "config/config.h"

namespace berth::app {

struct Account {
  uid_t uid = 0;
  gid_t gid = 0;
  std::string user; // names, for nginx; both empty if one has none
  std::string group;
  bool started_as_root = false; // whether there is anything to change to
};

// The user who started berth; as root, berth.user or the owner of the storage root (root, if that is not there yet).
// Errors: invalid for a berth.user that does not exist, or whose group has no name.
Result<Account> account_of(const config::Config& config);

// The user and group of nginx's `user` directive; empty if nginx is not started as root.
std::string nginx_user(const Account& account);

// Works as that user from here on: every path is opened with the user's rights. Root is kept as the saved user, for
// AsRoot and drop_root_but_ports alone. Before that, directories of config that are missing are made for the user,
// where root alone can write. Nothing to do unless started as root. Requires: one thread. Errors: io.
Result<> act_as(const Account& account, const config::Config& config);

// The same for who only looks: nothing is made. Errors: io.
Result<> work_as(const Account& account);

// The warning for a store that root serves.
inline constexpr const char* serves_as_root =
    "serves as root, because the store belongs to root: to serve as another user, give the store to that user, or set "
    "berth.user and make the store writable for that user";

// Gives root up for good, if this process acts as a user and keeps it. Whoever runs another program does this first.
// Errors: io.
Result<> drop_root();
// The same, but this process and the programs it runs may go on listening on ports below 1024.
Result<> drop_root_but_ports();
// No right but those of the user, for a process that never runs another program. Errors: io.
Result<> drop_rights();

// Whether root is there to be taken back.
bool keeps_root();

// Root again while this lives, if it was kept: to read what root alone may read (config.yml, a TLS key), to look at
// other processes. Nothing is written and no program run under it.
class AsRoot {
public:
  AsRoot();
  ~AsRoot();
  AsRoot(const AsRoot&) = delete;
  AsRoot& operator=(const AsRoot&) = delete;

private:
  const uid_t user_;
};

// Whether serving this configuration takes root: a port that is kept for root, or a file that the user cannot read.
// Requires: acts as the user.
bool needs_root(const config::Config& config, const std::string& config_file);

// Makes the storage root, and the directories that are berth's own, and checks that the user can write them and that
// the spool is on the file system of the store. Requires: acts as the user. Errors: invalid; the message names the
// directory and the remedy.
Result<> prepare_directories(const config::Config& config, const Account& account);

} // namespace berth::app
