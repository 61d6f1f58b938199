// Account: the user who serves: both nginx's workers and the pool (docs/decisions/0001).
#pragma once

#include <sys/types.h>

#include <string>

#include "base/result.h"
#include "config/config.h"

namespace berth::app {

struct Account {
  uid_t uid = 0;
  gid_t gid = 0;
  std::string user; // names, for nginx
  std::string group;
  bool started_as_root = false; // whether there is anything to change to
};

// The user who started berth; as root, berth.user or the owner of the storage root (root, if that is not there yet).
// Errors: invalid for a user that does not exist, or one without a name.
Result<Account> account_of(const config::Config& config);

// The user and group of nginx's `user` directive; empty if nginx is not started as root.
std::string nginx_user(const Account& account);

// Makes the storage root, and the directories that are berth's own, for that user; and checks that the user can write
// them and that the spool is on the file system of the store. Errors: invalid; the message names the directory and the
// remedy.
Result<> prepare_directories(const config::Config& config, const Account& account);

// Becomes that user for good. Errors: io.
Result<> become(const Account& account);

} // namespace berth::app
