#include "app/account.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/content.h"

namespace berth::app {
namespace {

Result<Account> account_from(const passwd* entry, const std::string& what) {
  if (entry == nullptr) return fail(Code::invalid, what + ": there is no such user");
  const group* primary = ::getgrgid(entry->pw_gid);
  if (primary == nullptr) return fail(Code::invalid, what + ": its group has no name");
  return Account{entry->pw_uid, entry->pw_gid, entry->pw_name, primary->gr_name, true};
}

// Makes a directory and those above it; only what it makes is given to the user.
Result<> make_directories(const std::string& path, const Account& account) {
  bool made = ::mkdir(path.c_str(), 0777) == 0;
  if (!made && errno == ENOENT && path.find('/', 1) != std::string::npos) {
    BERTH_CHECK(make_directories(path.substr(0, path.rfind('/')), account));
    made = ::mkdir(path.c_str(), 0777) == 0;
  }
  if (!made) return errno == EEXIST ? Result<>() : std::unexpected(errno_error("mkdir", path, errno));
  if (account.started_as_root && ::chown(path.c_str(), account.uid, account.gid) != 0)
    return std::unexpected(errno_error("chown", path, errno));
  return {};
}

// Asks the kernel as that user. Requires: one thread.
bool can_write(const std::string& directory, const Account& account) {
  if (!account.started_as_root) return ::faccessat(AT_FDCWD, directory.c_str(), W_OK | X_OK, AT_EACCESS) == 0;
  if (::setegid(account.gid) != 0 || ::seteuid(account.uid) != 0) return false;
  const bool can = ::faccessat(AT_FDCWD, directory.c_str(), W_OK | X_OK, AT_EACCESS) == 0;
  const bool back = ::seteuid(0) == 0 && ::setegid(0) == 0;
  return can && back;
}

} // namespace

Result<Account> account_of(const config::Config& config) {
  if (::geteuid() != 0) {
    const passwd* named = config.berth.user.empty() ? nullptr : ::getpwnam(config.berth.user.c_str());
    if (!config.berth.user.empty() && (named == nullptr || named->pw_uid != ::geteuid()))
      return fail(Code::invalid, "berth.user: only root can serve as another user");
    return Account{::geteuid(), ::getegid(), {}, {}, false};
  }
  if (!config.berth.user.empty())
    return account_from(::getpwnam(config.berth.user.c_str()), "berth.user: \"" + config.berth.user + "\"");
  struct stat info{};
  if (::stat(config.storage.root.c_str(), &info) != 0) info.st_uid = 0;
  return account_from(::getpwuid(info.st_uid), "the owner of " + config.storage.root + ", uid " +
                                                   std::to_string(info.st_uid) + " (or name a user in berth.user)");
}

std::string nginx_user(const Account& account) {
  return account.started_as_root ? account.user + " " + account.group : std::string();
}

Result<> prepare_directories(const config::Config& config, const Account& account) {
  const std::string& root = config.storage.root;
  for (const std::string& directory :
       {root, root + "/berth", root + "/berth/tmp", config.berth.run_directory, config.berth.spool}) {
    BERTH_CHECK(make_directories(directory, account));
    if (!can_write(directory, account))
      return fail(Code::invalid, directory + ": " + (account.user.empty() ? "this user" : "user " + account.user) +
                                     " cannot write there; give it the directory, or name another user in berth.user");
  }
  struct stat store{}, spool{};
  if (::stat(root.c_str(), &store) != 0) return std::unexpected(errno_error("stat", root, errno));
  if (::stat(config.berth.spool.c_str(), &spool) != 0)
    return std::unexpected(errno_error("stat", config.berth.spool, errno));
  if (store.st_dev != spool.st_dev)
    return fail(Code::invalid, "berth.spool: \"" + config.berth.spool + "\": must be on the file system of " + root +
                                   ", so that uploads can be moved into the store");
  return {};
}

Result<> become(const Account& account) {
  if (!account.started_as_root || account.uid == 0) return {};
  if (::initgroups(account.user.c_str(), account.gid) != 0 || ::setgid(account.gid) != 0 || ::setuid(account.uid) != 0)
    return fail(Code::io, "cannot become " + account.user + ": " + std::strerror(errno));
  return {};
}

} // namespace berth::app
