// Filesystem: the store in a directory, in the layout and with the modes of docker/distribution's filesystem driver.
//
// How a file comes to be: its bytes are written to a file that no reader looks at (below /berth/tmp, or where nginx
// spooled them), synced, renamed to their name, and the directory is synced. Directories that had to be made are synced
// into their parents. A removed tree is first renamed below /berth/tmp, so that it vanishes at once.
//
// A second process that finds a directory which the first has just made relies on the file system to write a new
// directory's entry along with what is synced in it, as ext4, XFS and btrfs do.
//
// Locks are flock(2): the kernel drops them when their holder dies; over NFS they reach other hosts.
#pragma once

#include <sys/types.h>

#include <string>

#include "base/random.h"
#include "base/unique_fd.h"
#include "driver/fs_ops.h"
#include "driver/storage_driver.h"

namespace berth::driver {

class Filesystem final : public StorageDriver {
public:
  // root: an absolute path without a trailing slash, which need not exist yet. Borrows: ops and random.
  Filesystem(std::string root, FsOps& ops, Random& random);

  Result<FileInfo> stat(const std::string& path) override;
  Result<std::vector<std::string>> list(const std::string& path) override;
  Result<std::string> get_content(const std::string& path, std::size_t max_bytes) override;
  Result<> read(const std::string& path, std::uint64_t offset, const Content::Sink& sink) override;
  Result<Location> locate(const std::string& path) override;
  Result<> make_directory(const std::string& path) override;
  Result<> put_content(const std::string& path, std::string_view bytes, Durability durability) override;
  Result<> adopt(Content content, const std::string& path) override;
  Result<> append(const std::string& path, std::uint64_t offset, const Content& content) override;
  Result<> move(const std::string& from, const std::string& to) override;
  Result<> sync(const std::string& path) override;
  Result<> remove(const std::string& path, Durability durability) override;
  Result<std::unique_ptr<Lock>> lock(const std::string& path) override;
  Result<std::unique_ptr<Lock>> exclude(const std::string& path) override;

private:
  Result<std::string> host_path(const std::string& path) const;
  std::string temporary_path();
  Result<UniqueFd> open(const std::string& host, int flags);
  Result<UniqueFd> create(const std::string& host, int flags, Durability durability);
  Result<> write(int fd, const std::string& host, const Content& content);
  Result<> sync(int fd, const std::string& host);
  Result<> sync_directory(const std::string& host);
  Result<> make_directories(const std::string& host, Durability durability);
  Result<> rename(const std::string& from, const std::string& to, Durability durability);
  Result<std::string> write_temporary(const Content& content, Durability durability);
  Result<> rename_temporary(const std::string& temporary, const std::string& host);
  Result<std::string> link_temporary(const Content& content);
  void remove_source(const Content& content);
  void remove_tree(const std::string& host);

  std::string root_;
  FsOps& ops_;
  Random& random_;
};

} // namespace berth::driver
