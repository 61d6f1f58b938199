#include "driver/filesystem.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <memory>
#include <thread>

namespace berth::driver {
namespace {

// The modes of docker/distribution's driver, less the umask.
constexpr mode_t file_mode = 0666;
constexpr mode_t directory_mode = 0777;
// How often a rename is tried again when somebody removes the target's directory meanwhile.
constexpr int max_rename_tries = 100;
constexpr std::size_t max_copy_bytes = std::size_t{1} << 30;
constexpr std::chrono::seconds max_lock_wait{2};
constexpr std::chrono::milliseconds lock_poll{1};

std::string parent_of(const std::string& host) { return host.substr(0, host.rfind('/')); }

std::unexpected<Error> failed(std::string_view call, std::string_view path) {
  return std::unexpected(errno_error(call, path, errno));
}

Result<FileInfo> stat_host(const std::string& host) {
  struct stat info{};
  if (::stat(host.c_str(), &info) != 0) return failed("stat", host);
  const bool is_directory = S_ISDIR(info.st_mode);
  // ctime: unlike mtime nobody can set it back, as a restored backup would.
  return FileInfo{is_directory ? 0 : static_cast<std::uint64_t>(info.st_size),
                  is_directory,
                  {info.st_dev, info.st_ino, info.st_nlink, info.st_ctim.tv_sec, info.st_ctim.tv_nsec}};
}

mode_t process_umask() {
  static const mode_t mask = [] {
    const mode_t current = ::umask(0);
    ::umask(current);
    return current;
  }();
  return mask;
}

class FileLock final : public Lock {
public:
  explicit FileLock(UniqueFd fd) : fd_(std::move(fd)) {}

private:
  UniqueFd fd_;
};

} // namespace

Filesystem::Filesystem(std::string root, FsOps& ops, Random& random)
    : root_(std::move(root)), ops_(ops), random_(random) {
  process_umask(); // while there is but one thread
}

Result<std::string> Filesystem::host_path(const std::string& path) const {
  if (!is_path(path)) return fail(Code::invalid, "not a path of the store: " + path);
  return root_ + path;
}

std::string Filesystem::temporary_path() { return root_ + "/berth/tmp/" + uuid4(random_); }

Result<UniqueFd> Filesystem::open_host(const std::string& host, int flags) {
  UniqueFd fd(ops_.open(host.c_str(), flags | O_CLOEXEC, file_mode));
  if (!fd) return failed("open", host);
  return fd;
}

// Opens a file that may have to be made, and makes the directories above it.
Result<UniqueFd> Filesystem::create(const std::string& host, int flags, Changed& changed) {
  Result<UniqueFd> fd = open_host(host, flags | O_CREAT);
  if (!fd && is(fd.error(), Code::not_found)) {
    BERTH_CHECK(make_directories(parent_of(host), changed));
    fd = open_host(host, flags | O_CREAT);
  }
  if (fd) changed.insert(parent_of(host));
  return fd;
}

// Makes a directory and those above it.
Result<> Filesystem::make_directories(const std::string& host, Changed& changed) {
  if (ops_.mkdir(host.c_str(), directory_mode) != 0) {
    if (errno == ENOENT && host.size() > 1) {
      BERTH_CHECK(make_directories(parent_of(host), changed));
      if (ops_.mkdir(host.c_str(), directory_mode) != 0 && errno != EEXIST) return failed("mkdir", host);
    } else if (errno != EEXIST) {
      return failed("mkdir", host);
    }
  }
  changed.insert(parent_of(host));
  return {};
}

Result<> Filesystem::rename(const std::string& from, const std::string& to, Changed& changed) {
  for (int tries = 0; ops_.rename(from.c_str(), to.c_str()) != 0; ++tries) {
    if (errno != ENOENT || tries == max_rename_tries) return failed("rename", to);
    // Either there is no directory yet (or no longer: somebody removes the tree), or `from` is gone.
    BERTH_CHECK(stat_host(from));
    const auto made = make_directories(parent_of(to), changed);
    if (!made && !is(made.error(), Code::not_found)) return made;
  }
  changed.insert(parent_of(to));
  return {};
}

// Appends all of content at the file's position.
Result<> Filesystem::write(int fd, const std::string& host, const Content& content) {
  if (content.is_file()) {
    off_t offset = 0;
    while (static_cast<std::uint64_t>(offset) < content.size()) {
      const ssize_t copied = ops_.copy_file_range(content.fd(), &offset, fd, nullptr, max_copy_bytes);
      if (copied > 0) continue;
      if (copied == 0) return fail(Code::io, "copy_file_range " + content.path() + ": the file is shorter than it was");
      if (errno == EINTR) continue;
      if (errno != EXDEV && errno != EINVAL && errno != ENOSYS && errno != EOPNOTSUPP)
        return failed("copy_file_range", host);
      // Not on one file system, or not one that can: the bytes take the long way.
      return read_file(content.fd(), static_cast<std::uint64_t>(offset), [&](std::span<const std::byte> piece) {
        return write(fd, host, Content::of(std::string(reinterpret_cast<const char*>(piece.data()), piece.size())));
      });
    }
    return {};
  }
  std::string_view rest = content.bytes();
  while (!rest.empty()) {
    const ssize_t written = ops_.write(fd, rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return failed("write", host);
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

// Syncs the bytes of files and the entries of directories, all at once. A directory that is gone was removed by
// somebody since: there is nothing in it to last.
Result<> Filesystem::sync(const std::vector<Staged>& files, const Changed& changed) {
  std::vector<int> fds;
  for (const Staged& file : files) fds.push_back(file.fd.get());
  std::vector<UniqueFd> directories;
  for (const std::string& host : changed) {
    Result<UniqueFd> fd = open_host(host, O_RDONLY | O_DIRECTORY);
    if (!fd && is(fd.error(), Code::not_found)) continue;
    if (!fd) return std::unexpected(std::move(fd).error());
    fds.push_back(fd->get());
    directories.push_back(*std::move(fd));
  }
  if (!fds.empty() && ops_.fsync_all(fds) != 0)
    return failed("fsync", files.empty() ? *changed.begin() : files[0].host);
  return {};
}

Result<Filesystem::Staged> Filesystem::write_temporary(const Content& content) {
  Staged staged{temporary_path(), {}, {}};
  Changed unsynced; // whoever loses the directory of temporaries makes it again
  BERTH_TRY(staged.fd, create(staged.temporary, O_WRONLY | O_EXCL, unsynced));
  const Result<> written = write(staged.fd.get(), staged.temporary, content);
  if (written) return staged;
  drop(staged);
  return std::unexpected(written.error());
}

// A second name for the very file that was opened and hashed. Its first name may by now belong to another: nginx
// removes a spooled file when it gives a request up, and uses the name again. Errors: unsupported from another file
// system; not_found if the file has lost its name.
Result<Filesystem::Staged> Filesystem::link_temporary(const Content& content) {
  // nginx makes its files 0600; the store's are for every reader that the umask allows.
  if (::fchmod(content.fd(), file_mode & ~process_umask()) != 0 && errno != EPERM)
    return failed("fchmod", content.path());
  Staged staged{temporary_path(), {}, UniqueFd(::fcntl(content.fd(), F_DUPFD_CLOEXEC, 0))};
  if (!staged.fd) return failed("dup", content.path());
  const std::string opened = "/proc/self/fd/" + std::to_string(content.fd());
  for (int tries = 0; ops_.linkat(opened.c_str(), staged.temporary.c_str()) != 0; ++tries) {
    const int error_number = errno;
    struct stat info{};
    if (error_number == EXDEV)
      return fail(Code::unsupported, "link " + staged.temporary + ": from another file system");
    if (error_number != ENOENT || tries > 0 || ::fstat(content.fd(), &info) != 0 || info.st_nlink == 0)
      return std::unexpected(errno_error("link", staged.temporary, error_number));
    Changed unsynced;
    BERTH_CHECK(make_directories(parent_of(staged.temporary), unsynced));
  }
  return staged;
}

// Content as a file that has no name in the store yet.
Result<Filesystem::Staged> Filesystem::stage(const Content& content) {
  if (!content.is_file()) return write_temporary(content);
  auto linked = link_temporary(content);
  if (linked || !is(linked.error(), Code::unsupported)) return linked;
  // A spool on another file system is a mistake that `berth up` refuses; here it costs a copy, not the upload.
  return write_temporary(content);
}

Result<> Filesystem::stage(PutFile& file, std::vector<Staged>& staged) {
  BERTH_TRY(std::string host, host_path(file.path));
  if (file.content) {
    BERTH_TRY(Staged made, stage(*file.content));
    staged.push_back(std::move(made));
  } else {
    Result<UniqueFd> kept = open_host(host, O_RDONLY | O_NONBLOCK); // a FIFO would wait for its writer
    if (!kept && is(kept.error(), Code::not_found)) return {};      // removed since: nothing to make durable
    if (!kept) return std::unexpected(std::move(kept).error());
    staged.push_back({{}, {}, *std::move(kept)});
  }
  staged.back().host = std::move(host);
  return {};
}

// Gives a staged file its name.
Result<> Filesystem::name(Staged& file, Changed& changed) {
  if (!file.temporary.empty()) BERTH_CHECK(rename(file.temporary, file.host, changed));
  file.temporary.clear();
  changed.insert(parent_of(file.host));
  return {};
}

void Filesystem::drop(const Staged& file) {
  if (!file.temporary.empty()) ops_.unlink(file.temporary.c_str());
}

Result<FileInfo> Filesystem::stat(const std::string& path) {
  BERTH_TRY(const std::string host, host_path(path));
  return stat_host(host);
}

Result<std::vector<std::string>> Filesystem::list(const std::string& path) {
  BERTH_TRY(const std::string host, host_path(path));
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(host.c_str()), ::closedir);
  if (!directory) return failed("opendir", host);
  std::vector<std::string> names;
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(directory.get());
    if (entry == nullptr && errno != 0) return failed("readdir", host);
    if (entry == nullptr) break;
    if (std::string_view name = entry->d_name; name != "." && name != "..") names.emplace_back(name);
  }
  std::ranges::sort(names);
  return names;
}

Result<std::string> Filesystem::get_content(const std::string& path, std::size_t max_bytes) {
  BERTH_TRY(const std::string host, host_path(path));
  BERTH_TRY(const UniqueFd fd, open_host(host, O_RDONLY | O_NONBLOCK)); // a FIFO would wait for its writer
  struct stat info{};
  if (::fstat(fd.get(), &info) != 0) return failed("fstat", host);
  if (!S_ISREG(info.st_mode)) return fail(Code::not_found, "open " + host + ": is no regular file");
  if (static_cast<std::uint64_t>(info.st_size) > max_bytes) return fail(Code::size_invalid, host + " is too large");
  std::string bytes(static_cast<std::size_t>(info.st_size), '\0');
  std::size_t have = 0;
  while (have < bytes.size()) {
    const ssize_t got = ::read(fd.get(), bytes.data() + have, bytes.size() - have);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failed("read", host);
    if (got == 0) break;
    have += static_cast<std::size_t>(got);
  }
  bytes.resize(have);
  return bytes;
}

Result<Content> Filesystem::open(const std::string& path) {
  BERTH_TRY(const std::string host, host_path(path));
  return Content::open(host);
}

Result<Location> Filesystem::locate(const std::string& path) {
  BERTH_CHECK(host_path(path));
  return FileBelowRoot{path};
}

Result<> Filesystem::make_directory(const std::string& path) {
  BERTH_TRY(const std::string host, host_path(path));
  if (const auto info = stat_host(host); info && info->is_directory) return {};
  Changed changed;
  BERTH_CHECK(make_directories(host, changed));
  return sync({}, changed);
}

Result<> Filesystem::put_scratch(const std::string& path, std::string_view bytes) {
  BERTH_TRY(const std::string host, host_path(path));
  BERTH_TRY(Staged staged, write_temporary(Content::of(std::string(bytes))));
  staged.host = host;
  Changed unsynced;
  const Result<> named = name(staged, unsynced);
  if (!named) drop(staged);
  return named;
}

Result<> Filesystem::put(std::vector<PutFile> files) {
  std::vector<Staged> staged;
  Changed changed;
  Result<> done;
  for (std::size_t i = 0; done && i < files.size(); ++i) done = stage(files[i], staged);
  if (done) done = sync(staged, {});
  for (std::size_t i = 0; done && i < staged.size(); ++i) done = name(staged[i], changed);
  if (done) done = sync({}, changed);
  for (const Staged& file : staged) drop(file);
  return done;
}

Result<> Filesystem::append(const std::string& path, std::uint64_t offset, const Content& content) {
  BERTH_TRY(const std::string host, host_path(path));
  Changed changed;
  std::vector<Staged> files;
  if (offset == 0 && content.is_file()) {
    BERTH_TRY(Staged taken, stage(content));
    taken.host = host;
    Result<> done = name(taken, changed);
    if (!done) drop(taken);
    files.push_back(std::move(taken));
    if (done) done = sync(files, changed);
    if (!done) ops_.unlink(host.c_str());
    return done;
  }
  BERTH_TRY(UniqueFd fd, create(host, O_WRONLY, changed));
  BERTH_TRY(const FileInfo info, stat_host(host));
  if (info.size < offset) return fail(Code::corrupt, host + " is shorter than what was acknowledged");
  // What lies behind the offset was never acknowledged: a writer died in the middle of it.
  if (info.size > offset && ops_.ftruncate(fd.get(), static_cast<off_t>(offset)) != 0) return failed("ftruncate", host);
  if (::lseek(fd.get(), static_cast<off_t>(offset), SEEK_SET) < 0) return failed("lseek", host);
  Result<> written = write(fd.get(), host, content);
  if (info.size > 0) changed.clear(); // it was there, and was synced into its directory
  files.push_back({{}, host, std::move(fd)});
  if (written) written = sync(files, changed);
  // Should this fail too, the next append cuts the file.
  if (!written) static_cast<void>(ops_.ftruncate(files[0].fd.get(), static_cast<off_t>(offset)));
  return written;
}

Result<> Filesystem::remove(const std::string& path, Durability durability) {
  BERTH_TRY(const std::string host, host_path(path));
  BERTH_TRY(const FileInfo info, stat_host(host));
  if (info.is_directory) {
    const std::string doomed = temporary_path();
    Changed unsynced; // where it goes to: that it is gone from its place is what has to last
    BERTH_CHECK(rename(host, doomed, unsynced));
    remove_tree(doomed);
  } else if (ops_.unlink(host.c_str()) != 0) {
    return failed("unlink", host);
  }
  if (durability == Durability::durable) return sync({}, {parent_of(host)});
  return {};
}

// As far as it goes: what stays behind is below /berth/tmp and belongs to nobody.
void Filesystem::remove_tree(const std::string& host) {
  if (ops_.unlink(host.c_str()) == 0 || errno != EISDIR) return;
  if (const auto names = list(host.substr(root_.size())))
    for (const std::string& name : *names) remove_tree(host + "/" + name);
  ops_.rmdir(host.c_str());
}

Result<std::unique_ptr<Lock>> Filesystem::lock(const std::string& path) {
  BERTH_TRY(const std::string host, host_path(path));
  BERTH_TRY(UniqueFd fd, open_host(host, O_RDWR)); // NFS wants write access for an exclusive lock
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return fail(Code::busy, host + " is locked");
    return failed("flock", host);
  }
  // The last holder may have removed the file while we opened it: then this is a lock on nothing.
  struct stat held{}, named{};
  if (::fstat(fd.get(), &held) != 0) return failed("fstat", host);
  if (::stat(host.c_str(), &named) != 0) return failed("stat", host);
  if (held.st_dev != named.st_dev || held.st_ino != named.st_ino) return fail(Code::not_found, host + " was replaced");
  return std::make_unique<FileLock>(std::move(fd));
}

Result<std::unique_ptr<Lock>> Filesystem::exclude(const std::string& path) {
  BERTH_TRY(const std::string host, host_path(path));
  Changed unsynced;
  BERTH_TRY(UniqueFd fd, create(host, O_RDWR, unsynced));
  const auto deadline = std::chrono::steady_clock::now() + max_lock_wait;
  while (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) return failed("flock", host);
    // A holder that hangs (a host of a shared store that is gone) must not take this pool's threads with it.
    if (std::chrono::steady_clock::now() > deadline) return fail(Code::busy, host + " is locked");
    std::this_thread::sleep_for(lock_poll);
  }
  return std::make_unique<FileLock>(std::move(fd));
}

} // namespace berth::driver
