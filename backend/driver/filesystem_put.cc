// The other half of the filesystem driver: how files come to be.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "driver/filesystem.h"
#include "driver/host_files.h"

namespace berth::driver {

Result<> make_directories(FsOps& ops, const std::string& host, std::set<std::string>* changed) {
  if (ops.mkdir(host.c_str(), directory_mode) != 0) {
    if (errno == ENOENT && host.size() > 1) {
      BERTH_CHECK(make_directories(ops, parent_of(host), changed));
      if (ops.mkdir(host.c_str(), directory_mode) != 0 && errno != EEXIST) return failed("mkdir", host);
    } else if (errno != EEXIST) {
      return failed("mkdir", host);
    }
  }
  if (changed != nullptr) changed->insert(parent_of(host));
  return {};
}

namespace {

// How often naming a file is tried again if its directory is removed at the same time.
constexpr int max_tries = 100;
constexpr std::size_t max_copy_bytes = std::size_t{1} << 30;

// Whether an open file is the one that has a name.
bool is_file(int fd, const std::string& host) {
  struct stat opened{}, named{};
  return ::fstat(fd, &opened) == 0 && ::lstat(host.c_str(), &named) == 0 && opened.st_dev == named.st_dev &&
         opened.st_ino == named.st_ino;
}

} // namespace

// Opens a file that may have to be made, and makes the directories above it.
Result<UniqueFd> Filesystem::create(const std::string& host, int flags, Changed& changed) {
  flags |= O_CREAT | O_NOFOLLOW; // a link would lead the writer out of the store
  Result<UniqueFd> fd = open_host(host, flags);
  if (!fd && is(fd.error(), Code::not_found)) {
    BERTH_CHECK(make_directories(ops_, parent_of(host), &changed));
    fd = open_host(host, flags);
  }
  if (fd) changed.insert(parent_of(host));
  return fd;
}

Result<> Filesystem::rename(const std::string& from, const std::string& to, Changed& changed) {
  for (int tries = 0; ops_.rename(from.c_str(), to.c_str()) != 0; ++tries) {
    if (errno != ENOENT || tries == max_tries) return failed("rename", to);
    // Either the directory does not exist (yet, or because the tree is being removed), or `from` is gone.
    if (tries > 0) BERTH_CHECK(stat_host(from));
    const auto made = make_directories(ops_, parent_of(to), &changed);
    if (!made && !is(made.error(), Code::not_found)) return made;
  }
  changed.insert(parent_of(to));
  return {};
}

// Gives the very file that was opened and hashed another name. Its first one may by now belong to another: nginx
// removes a spooled file when it gives a request up, and uses the name again.
// Errors: exists; unsupported from another file system; not_found if the file has lost its name.
Result<> Filesystem::link(const Content& content, const std::string& to, Changed& changed) {
  const std::string opened = "/proc/self/fd/" + std::to_string(content.fd());
  for (int tries = 0; ops_.linkat(opened.c_str(), to.c_str()) != 0; ++tries) {
    const int error_number = errno;
    struct stat info{};
    if (error_number == EXDEV) return fail(Code::unsupported, "link " + to + ": from another file system");
    if (error_number == EPERM || error_number == EMLINK || error_number == EOPNOTSUPP)
      return fail(Code::unsupported, "link " + to + ": the file system makes no second name of it");
    if (error_number != ENOENT || tries == max_tries || ::fstat(content.fd(), &info) != 0 || info.st_nlink == 0)
      return std::unexpected(errno_error("link", to, error_number));
    const auto made = make_directories(ops_, parent_of(to), &changed);
    if (!made && !is(made.error(), Code::not_found)) return made;
  }
  changed.insert(parent_of(to));
  return {};
}

// Appends all of content at the file's position.
Result<> Filesystem::write(int fd, const std::string& host, const Content& content) {
  const auto write_piece = [&](std::span<const std::byte> piece) {
    return write(fd, host, Content::of(std::string(reinterpret_cast<const char*>(piece.data()), piece.size())));
  };
  if (content.source() != nullptr) return content.read(write_piece);
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
      return read_file(content.fd(), static_cast<std::uint64_t>(offset), write_piece);
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

// Syncs the bytes of files and the entries of directories, all at once. A directory that is gone has been removed since
// by another writer: it has no entries to sync.
Result<> Filesystem::sync(const std::vector<Staged>& files, const Changed& changed) {
  std::vector<int> fds;
  fds.reserve(files.size());
  for (const Staged& file : files) fds.push_back(file.taken != nullptr ? file.taken->fd() : file.own.get());
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
  Staged staged;
  staged.temporary = temporary_path();
  Changed unsynced; // whoever loses the directory of temporaries makes it again
  BERTH_TRY(staged.own, create(staged.temporary, O_WRONLY | O_EXCL, unsynced));
  const Result<> written = write(staged.own.get(), staged.temporary, content);
  if (written) return staged;
  drop(staged);
  return std::unexpected(written.error());
}

// Content as a file that has no name in the store yet.
Result<Filesystem::Staged> Filesystem::stage(const Content& content) {
  if (!content.is_file()) return write_temporary(content);
  // nginx makes its files 0600; the store's are for every reader that the umask allows.
  const mode_t mode = file_mode & ~process_umask();
  struct stat info{};
  if (::fstat(content.fd(), &info) != 0) return failed("fstat", content.path());
  if ((info.st_mode & 07777) != mode && ::fchmod(content.fd(), mode) != 0 && errno != EPERM)
    return failed("fchmod", content.path());
  Staged staged;
  staged.taken = &content;
  return staged;
}

Result<> Filesystem::stage(const PutFile& file, std::vector<Staged>& staged) {
  BERTH_TRY(std::string host, host_path(file.path));
  if (file.content) {
    BERTH_TRY(Staged made, stage(*file.content));
    staged.push_back(std::move(made));
  } else {
    Result<UniqueFd> kept = open_host(host, O_RDONLY | O_NOFOLLOW | O_NONBLOCK); // a FIFO would wait for its writer
    if (!kept && is(kept.error(), Code::not_found)) return {}; // removed since: nothing to make durable
    if (!kept) return std::unexpected(std::move(kept).error());
    staged.emplace_back().own = *std::move(kept);
  }
  staged.back().host = std::move(host);
  return {};
}

// Gives a staged file its name. A file that is taken gets it at once where nothing is yet; it replaces what is there
// by way of a temporary name.
Result<> Filesystem::name(Staged& file, Changed& changed) {
  if (file.taken != nullptr) {
    auto linked = link(*file.taken, file.host, changed);
    if (linked) return {};
    Changed unsynced; // where a temporary name is
    if (is(linked.error(), Code::exists) && is_file(file.taken->fd(), file.host)) {
      changed.insert(parent_of(file.host)); // rename would leave both names of one file
      return {};
    } else if (is(linked.error(), Code::exists)) {
      file.temporary = temporary_path();
      BERTH_CHECK(link(*file.taken, file.temporary, unsynced));
    } else if (is(linked.error(), Code::unsupported)) {
      // A spool on another file system is a mistake that `berth up` refuses; here it costs a copy, not the upload. So
      // does a file of another owner, which the kernel may protect from a second name.
      BERTH_TRY(Staged copy, write_temporary(*file.taken));
      file.temporary = std::move(copy.temporary);
      file.own = std::move(copy.own);
      file.taken = nullptr;
      if (ops_.fsync(file.own.get()) != 0) return failed("fsync", file.temporary);
    } else {
      return linked;
    }
  }
  if (!file.temporary.empty()) BERTH_CHECK(rename(file.temporary, file.host, changed));
  file.temporary.clear();
  changed.insert(parent_of(file.host));
  return {};
}

void Filesystem::drop(const Staged& file) {
  if (!file.temporary.empty()) ops_.unlink(file.temporary.c_str());
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

// Gives a staged file its name if the file of that name is as expected. Who replaces a file holds its lock meanwhile:
// of two who saw the same, the second finds it locked, or replaced.
Result<> Filesystem::name_if(Staged& file, const std::optional<Version>& expected, Changed& changed) {
  const auto differs = [&] { return fail(Code::busy, file.host + " was changed meanwhile"); };
  if (!expected) {
    BERTH_TRY(const Content written, Content::open(file.temporary));
    auto linked = link(written, file.host, changed);
    if (!linked && is(linked.error(), Code::exists)) return differs();
    return linked;
  }
  const auto held = lock(file.host.substr(root_.size()));
  if (!held && is(held.error(), Code::not_found)) return differs();
  if (!held) return std::unexpected(held.error());
  const auto now = stat_host(file.host);
  if (!now || now->version != expected) return differs();
  BERTH_CHECK(rename(file.temporary, file.host, changed));
  file.temporary.clear();
  return {};
}

Result<Version> Filesystem::put_if(const std::string& path, std::string_view bytes,
                                   const std::optional<Version>& expected) {
  BERTH_TRY(std::string host, host_path(path));
  BERTH_TRY(Staged staged, write_temporary(Content::of(std::string(bytes))));
  staged.host = std::move(host);
  Changed changed;
  Result<> done = ops_.fsync(staged.own.get()) == 0 ? Result<>() : failed("fsync", staged.temporary);
  if (done) done = name_if(staged, expected, changed);
  drop(staged);
  if (done) done = sync({}, changed);
  if (!done) return std::unexpected(done.error());
  struct stat info{};
  if (::fstat(staged.own.get(), &info) != 0) return failed("fstat", staged.host);
  return version_of(info);
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
  struct stat info{};
  if (::fstat(fd.get(), &info) != 0) return failed("fstat", host);
  const auto size = static_cast<std::uint64_t>(info.st_size);
  if (size < offset) return fail(Code::corrupt, host + " is shorter than what was acknowledged");
  // Bytes behind the offset were never acknowledged: a writer died while it wrote them.
  if (size > offset && ops_.ftruncate(fd.get(), static_cast<off_t>(offset)) != 0) return failed("ftruncate", host);
  if (offset > 0 && ::lseek(fd.get(), static_cast<off_t>(offset), SEEK_SET) < 0) return failed("lseek", host);
  Result<> written = write(fd.get(), host, content);
  if (size > 0) changed.clear(); // it was there, and was synced into its directory
  Staged& appended = files.emplace_back();
  appended.host = host;
  appended.own = std::move(fd);
  if (written) written = sync(files, changed);
  // Should this fail too, the next append cuts the file.
  if (!written) static_cast<void>(ops_.ftruncate(appended.own.get(), static_cast<off_t>(offset)));
  return written;
}

} // namespace berth::driver
