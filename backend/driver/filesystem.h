// Filesystem: the store in a directory, in the layout and with the modes of docker/distribution's filesystem driver.
//
// How files come to be: their bytes are written to files that no reader looks at (below /berth/tmp, or where nginx
// spooled them) and synced, all at once; they get their names, one after the other: by link(2) if the file has another
// and nothing is there yet, else by rename(2); the directories are synced, all at once, those that had to be made into
// their parents too (docs/decisions/0005). A removed tree is first renamed below /berth/tmp: it vanishes at once.
//
// A second process that finds a directory which the first has just made relies on the file system to write a new
// directory's entry along with what is synced in it, as ext4, XFS and btrfs do.
//
// Uploads are locked by flock(2), as FileLocks locks.
#pragma once

#include <sys/types.h>

#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/random.h"
#include "base/unique_fd.h"
#include "driver/fs_ops.h"
#include "driver/local_driver.h"
#include "driver/tree_remover.h"

namespace berth::driver {

class Filesystem final : public LocalDriver {
public:
  // root: an absolute path without a trailing slash, which need not exist yet. Borrows: ops and random.
  Filesystem(std::string root, FsOps& ops, Random& random);

  Result<FileInfo> stat(const std::string& path) override;
  Result<std::vector<Entry>> list(const std::string& path, const std::string& after, std::size_t limit) override;
  Result<std::string> get_content(const std::string& path, std::size_t max_bytes) override;
  Result<Content> open(const std::string& path) override;
  Result<Location> locate(const std::string& path) override;
  Result<> make_directory(const std::string& path) override;
  Result<> put_scratch(const std::string& path, std::string_view bytes) override;
  Result<> put(std::vector<PutFile> files) override;
  Result<Version> put_if(const std::string& path, std::string_view bytes,
                         const std::optional<Version>& expected) override;
  Result<> append(const std::string& path, std::uint64_t offset, const Content& content) override;
  Result<> remove(const std::string& path, Durability durability) override;
  Result<> discard(const std::string& directory) override;
  Result<> remove_empty(const std::string& directory) override;
  Result<> settle(const std::string& directory) override;
  Result<> remove_files(const std::string& directory, std::span<const std::string_view> names) override;
  Result<std::unique_ptr<Lock>> make_locked(const std::string& path, std::string_view bytes) override;
  Result<std::unique_ptr<Lock>> lock(const std::string& path) override;

private:
  // Directories whose entries changed, and have to be synced for the change to last.
  using Changed = std::set<std::string>;
  // A file on its way to its name.
  struct Staged {
    std::string host;
    std::string temporary;          // its name so far; empty: none, or its own
    const Content* taken = nullptr; // the file that gets the name
    UniqueFd own;                   // else: the one that was written, or is there
  };

  Result<std::string> host_path(const std::string& path) const;
  std::string temporary_path();
  Result<UniqueFd> open_host(const std::string& host, int flags);
  Result<UniqueFd> create(const std::string& host, int flags, Changed& changed);
  Result<> rename(const std::string& from, const std::string& to, Changed& changed);
  Result<> link(const Content& content, const std::string& to, Changed& changed);
  Result<> write(int fd, const std::string& host, const Content& content);
  Result<> sync(const std::vector<Staged>& files, const Changed& changed);

  Result<Staged> write_temporary(const Content& content);
  Result<Staged> stage(const Content& content);
  Result<> stage(const PutFile& file, std::vector<Staged>& staged);
  Result<> name(Staged& file, Changed& changed);
  Result<> name_if(Staged& file, const std::optional<Version>& expected, Changed& changed);
  void drop(const Staged& file);
  void remove_tree(const std::string& host);

  std::string root_;
  FsOps& ops_;
  Random& random_;
  TreeRemover discarded_;
};

} // namespace berth::driver
