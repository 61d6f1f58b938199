#include "app/supervisor/account.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>

#include "base/content.h"
#include "base/unique_fd.h"
#include "config/address.h"

namespace berth::app {
namespace {

constexpr int default_first_free_port = 1024; // where the kernel does not say

Result<Account> account_from(const passwd* entry, const std::string& what) {
  if (entry == nullptr) return fail(Code::invalid, what + ": there is no such user");
  const group* primary = ::getgrgid(entry->pw_gid);
  if (primary == nullptr) return fail(Code::invalid, what + ": its group has no name");
  return Account{entry->pw_uid, entry->pw_gid, entry->pw_name, primary->gr_name, true};
}

// Returns the user who owns the store, who may have no name: in a container names are of the image, owners of the host.
Account owner_of(const struct stat& store) {
  const passwd* entry = ::getpwuid(store.st_uid);
  const gid_t gid = entry != nullptr ? entry->pw_gid : store.st_gid;
  const group* primary = ::getgrgid(gid);
  const bool named = entry != nullptr && primary != nullptr;
  return Account{store.st_uid, gid, named ? entry->pw_name : "", named ? primary->gr_name : "", true};
}

// "user berth (uid 5000)", "uid 5000"
std::string shown(const Account& account) {
  const std::string uid = "uid " + std::to_string(account.uid);
  return account.user.empty() ? uid : "user " + account.user + " (" + uid + ")";
}

// What is to be done about a directory where the user cannot write.
std::string remedy_for(const std::string& directory, const Account& account) {
  struct stat info{};
  const std::string owner = ::stat(directory.c_str(), &info) == 0 ? std::to_string(info.st_uid) : "";
  return (owner.empty() ? ": " : ": it belongs to uid " + owner + "; ") + "`chown -R " + std::to_string(account.uid) +
         ":" + std::to_string(account.gid) + " " + directory + "` gives it to that user" +
         (account.started_as_root ? ", or name another user in berth.user"
          : owner.empty()         ? ""
                                  : ", or run berth as uid " + owner);
}

std::unexpected<Error> cannot_become(const std::string& who) {
  return fail(Code::io, "cannot become " + who + ": " + std::strerror(errno));
}

// Returns true if only root can change the entries of a directory.
bool is_roots_alone(int directory) {
  struct stat info{};
  return ::fstat(directory, &info) == 0 && info.st_uid == 0 && (info.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

// Makes the first directory of a path that is missing and gives it to the user, who can make those below. Does so only
// if every directory above it is writable by root alone and no part is a symbolic link: elsewhere another user could
// exchange a directory meanwhile.
Result<> make_for(const Account& account, const std::string& path) {
  UniqueFd parent(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
  for (std::size_t at = 1; parent && is_roots_alone(parent.get()) && at < path.size();) {
    const std::size_t slash = std::min(path.find('/', at), path.size());
    const std::string name = path.substr(at, slash - at);
    const bool made = ::mkdirat(parent.get(), name.c_str(), 0755) == 0;
    if (!made && errno != EEXIST) return {}; // the user will meet the same and say so
    UniqueFd child(::openat(parent.get(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_DIRECTORY | O_CLOEXEC));
    if (!made) {
      parent = std::move(child);
      at = slash + 1;
      continue;
    }
    if (!child || ::fchown(child.get(), account.uid, account.gid) != 0)
      return std::unexpected(errno_error("chown", path.substr(0, slash), errno));
    return {};
  }
  return {};
}

// Makes a directory and those above it.
Result<> make_directories(const std::string& path) {
  if (::mkdir(path.c_str(), 0777) == 0 || errno == EEXIST) return {};
  if (errno == ENOENT && path.find('/', 1) != std::string::npos) {
    BERTH_CHECK(make_directories(path.substr(0, path.rfind('/'))));
    if (::mkdir(path.c_str(), 0777) == 0 || errno == EEXIST) return {};
  }
  return std::unexpected(errno_error("mkdir", path, errno));
}

// A process that acts as a user: root is its real and its saved user.
bool acts_as_user() { return ::getuid() == 0 && ::geteuid() != 0; }

bool can_read(const std::string& path) {
  return path.empty() || ::faccessat(AT_FDCWD, path.c_str(), R_OK, AT_EACCESS) == 0;
}

bool keep_only(__u32 rights) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> sets{};
  sets[0] = {rights, rights, rights};
  return ::syscall(SYS_capset, &header, sets.data()) == 0;
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
  if (::stat(config.storage.root.c_str(), &info) != 0) info = {};
  return owner_of(info);
}

std::string nginx_user(const Account& account) {
  return account.started_as_root && !account.user.empty() ? account.user + " " + account.group : std::string();
}

Result<> act_as(const Account& account, const config::Config& config) {
  if (!account.started_as_root || account.uid == 0) return {};
  for (const std::string& directory :
       {config.storage.root, config.berth.state_directory, config.berth.run_directory, config.berth.spool})
    BERTH_CHECK(make_for(account, directory));
  return work_as(account);
}

Result<> work_as(const Account& account) {
  if (!account.started_as_root || account.uid == 0) return {};
  // The groups for good, as root needs none; the real and the saved user stay root, so that the user cannot send
  // signals to this process, nor trace it.
  const bool grouped =
      account.user.empty() ? ::setgroups(1, &account.gid) == 0 : ::initgroups(account.user.c_str(), account.gid) == 0;
  if (!grouped || ::setgid(account.gid) != 0 || ::seteuid(account.uid) != 0) return cannot_become(shown(account));
  return {};
}

Result<> drop_root() {
  if (!acts_as_user()) return {};
  const uid_t user = ::geteuid();
  if (::seteuid(0) != 0 || ::setresuid(user, user, user) != 0) return cannot_become("uid " + std::to_string(user));
  return {};
}

Result<> drop_root_but_ports() {
  if (!acts_as_user()) return {};
  ::prctl(PR_SET_KEEPCAPS, 1); // what is permitted survives the change of user, until it is cut down to one
  BERTH_CHECK(drop_root());
  // A root without this right (in a container) has no right to lose.
  if (!keep_only(static_cast<__u32>(CAP_TO_MASK(CAP_NET_BIND_SERVICE)))) return drop_rights();
  ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_BIND_SERVICE, 0, 0); // the programs that it runs have it too
  return {};
}

Result<> drop_rights() { return keep_only(0) ? Result<>() : cannot_become("a process without rights"); }

bool keeps_root() { return acts_as_user(); }

AsRoot::AsRoot() : user_(::geteuid()) {
  if (acts_as_user() && ::seteuid(0) != 0) std::abort();
}

AsRoot::~AsRoot() {
  if (user_ != ::geteuid() && ::seteuid(user_) != 0) std::abort(); // never go on as root
}

bool needs_root(const config::Config& config, const std::string& config_file) {
  int first_free_port = default_first_free_port;
  std::ifstream("/proc/sys/net/ipv4/ip_unprivileged_port_start") >> first_free_port;
  const auto address = config::parse_listen_address(config.http.addr);
  return (address && address->port < first_free_port) || !can_read(config_file) ||
         !can_read(config.http.tls_certificate) || !can_read(config.http.tls_key) ||
         !std::ranges::all_of(config.http.client_cas, can_read);
}

Result<> prepare_directories(const config::Config& config, const Account& account) {
  const std::string& root = config.storage.root;
  for (const std::string& directory : {root, root + "/berth", root + "/berth/tmp", config.berth.state_directory,
                                       config.berth.run_directory, config.berth.spool}) {
    auto made = make_directories(directory);
    if (!made && is(made.error(), Code::storage_full)) return made;
    if (struct stat info{}; ::stat(directory.c_str(), &info) == 0 && !S_ISDIR(info.st_mode))
      return fail(Code::invalid, directory + ": is a file, and has to be a directory: name another one in config.yml");
    if (made && ::faccessat(AT_FDCWD, directory.c_str(), W_OK | X_OK, AT_EACCESS) == 0) continue;
    return fail(Code::invalid, directory + ": " + shown(account) + " cannot write there" +
                                   (made ? "" : " (" + made.error().message + ")") +
                                   remedy_for(directory.starts_with(root) ? root : directory, account));
  }
  struct stat store{}, spool{};
  if (config.storage.is_in_bucket()) return {};
  if (::stat(root.c_str(), &store) != 0) return std::unexpected(errno_error("stat", root, errno));
  if (::stat(config.berth.spool.c_str(), &spool) != 0)
    return std::unexpected(errno_error("stat", config.berth.spool, errno));
  if (store.st_dev != spool.st_dev)
    return fail(Code::invalid, "berth.spool: \"" + config.berth.spool + "\": must be on the file system of " + root +
                                   ", so that uploads can be moved into the store");
  return {};
}

} // namespace berth::app
