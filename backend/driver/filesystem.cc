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

#include "driver/host_files.h"

namespace berth::driver {
namespace {

constexpr std::size_t small_bytes = 512; // links have at most half as many
bool is_directory(const std::string& host, const dirent& entry) {
  if (entry.d_type != DT_LNK && entry.d_type != DT_UNKNOWN) return entry.d_type == DT_DIR;
  const auto info = stat_host(host + "/" + entry.d_name);
  return info && info->is_directory;
}

// All that is in a directory, in no order.
Result<std::vector<Entry>> read_directory(const std::string& host) {
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(host.c_str()), ::closedir);
  if (!directory) return failed("opendir", host);
  std::vector<Entry> entries;
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(directory.get());
    if (entry == nullptr && errno != 0) return failed("readdir", host);
    if (entry == nullptr) return entries;
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") entries.push_back({std::string(name), is_directory(host, *entry)});
  }
}

} // namespace

Version version_of(const struct stat& info) {
  const auto word = [](auto number) { return static_cast<std::uint64_t>(number); };
  return {{word(info.st_dev), word(info.st_ino), word(info.st_nlink), word(info.st_ctim.tv_sec),
           word(info.st_ctim.tv_nsec)}};
}

Result<FileInfo> stat_host(const std::string& host) {
  struct stat info{};
  if (::lstat(host.c_str(), &info) != 0) return failed("stat", host);
  const bool is_link = S_ISLNK(info.st_mode);
  if (is_link && ::stat(host.c_str(), &info) != 0) return failed("stat", host);
  const bool is_directory = S_ISDIR(info.st_mode);
  if (is_link && !is_directory) return fail(Code::not_found, "stat " + host + ": is a symbolic link");
  return FileInfo{is_directory ? 0 : static_cast<std::uint64_t>(info.st_size), is_directory, version_of(info),
                  Time(std::chrono::seconds(info.st_ctim.tv_sec) + std::chrono::nanoseconds(info.st_ctim.tv_nsec))};
}

mode_t process_umask() {
  static const mode_t mask = [] {
    const mode_t current = ::umask(0);
    ::umask(current);
    return current;
  }();
  return mask;
}

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

Result<FileInfo> Filesystem::stat(const std::string& path) {
  BERTH_TRY(const std::string host, host_path(path));
  return stat_host(host);
}

Result<std::vector<Entry>> Filesystem::list(const std::string& path, const std::string& after, std::size_t limit) {
  BERTH_TRY(const std::string host, host_path(path));
  BERTH_TRY(std::vector<Entry> entries, read_directory(host));
  // Other names are another program's.
  std::erase_if(entries, [&](const Entry& entry) { return !is_component(entry.name) || entry.name <= after; });
  if (limit < entries.size()) {
    std::ranges::nth_element(entries, entries.begin() + static_cast<std::ptrdiff_t>(limit), {}, &Entry::name);
    entries.resize(limit);
  }
  std::ranges::sort(entries, {}, &Entry::name);
  return entries;
}

Result<std::string> Filesystem::get_content(const std::string& path, std::size_t max_bytes) {
  BERTH_TRY(const std::string host, host_path(path));
  BERTH_TRY(const UniqueFd fd, open_host(host, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)); // a FIFO would wait
  struct stat info{};
  const bool small = max_bytes < small_bytes; // one read has all of it, and says what a stat would
  if (!small && ::fstat(fd.get(), &info) != 0) return failed("fstat", host);
  if (!small && !S_ISREG(info.st_mode)) return fail(Code::not_found, "open " + host + ": is no regular file");
  std::string bytes(small ? small_bytes : static_cast<std::size_t>(info.st_size), '\0');
  if (!small && bytes.size() > max_bytes) return fail(Code::size_invalid, "the file is too large");
  std::size_t have = 0;
  while (have < bytes.size()) {
    const ssize_t got = ::read(fd.get(), bytes.data() + have, bytes.size() - have);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EISDIR) return fail(Code::not_found, "open " + host + ": is no regular file");
    if (got < 0) return failed("read", host);
    have += static_cast<std::size_t>(got);
    if (got == 0 || small) break;
  }
  if (have > max_bytes) return fail(Code::size_invalid, "the file is too large");
  bytes.resize(have);
  return bytes;
}

Result<Content> Filesystem::open(const std::string& path) {
  BERTH_TRY(const std::string host, host_path(path));
  return Content::open(host);
}

Result<Location> Filesystem::locate(const std::string& path) {
  BERTH_CHECK(host_path(path));
  return StoredFile{path};
}

Result<> Filesystem::make_directory(const std::string& path) {
  BERTH_TRY(const std::string host, host_path(path));
  if (const auto info = stat_host(host); info && info->is_directory) return {};
  Changed changed;
  BERTH_CHECK(make_directories(ops_, host, &changed));
  return sync({}, changed);
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

Result<> Filesystem::discard(const std::string& directory) {
  BERTH_TRY(const std::string host, host_path(directory));
  BERTH_TRY(const FileInfo info, stat_host(host));
  if (!info.is_directory) return fail(Code::not_found, host + " is no directory");
  const std::string doomed = temporary_path();
  Changed unsynced;
  BERTH_CHECK(rename(host, doomed, unsynced));
  discarded_.add(doomed);
  return {};
}

Result<> Filesystem::remove_empty(const std::string& directory) {
  BERTH_TRY(const std::string host, host_path(directory));
  if (ops_.rmdir(host.c_str()) == 0 || errno == ENOENT || errno == ENOTEMPTY || errno == EEXIST || errno == ENOTDIR)
    return {};
  return failed("rmdir", host);
}

Result<> Filesystem::settle(const std::string& directory) {
  BERTH_TRY(const std::string host, host_path(directory));
  return sync({}, {host});
}

Result<> Filesystem::remove_files(const std::string& directory, std::span<const std::string_view> names) {
  BERTH_TRY(const std::string host, host_path(directory));
  for (const std::string_view name : names) {
    const std::string file = host + "/" + std::string(name);
    if (ops_.unlink(file.c_str()) != 0 && errno != ENOENT) break;
  }
  if (ops_.rmdir(host.c_str()) == 0) return {};
  return remove(directory, Durability::scratch); // there is more in it
}

// Ignores failures: files that stay behind are below /berth/tmp, and nothing refers to them.
void Filesystem::remove_tree(const std::string& host) {
  if (ops_.unlink(host.c_str()) == 0 || errno != EISDIR) return;
  if (const auto entries = read_directory(host))
    for (const Entry& entry : *entries) remove_tree(host + "/" + entry.name);
  ops_.rmdir(host.c_str());
}

Result<std::unique_ptr<Lock>> Filesystem::make_locked(const std::string& path, std::string_view bytes) {
  BERTH_TRY(const std::string host, host_path(path));
  BERTH_TRY(Staged staged, write_temporary(Content::of(std::string(bytes))));
  staged.host = host;
  Changed unsynced;
  Result<> done = ::flock(staged.own.get(), LOCK_EX | LOCK_NB) == 0 ? Result<>() : failed("flock", staged.temporary);
  if (done) done = make_directories(ops_, parent_of(host), &unsynced); // a new one, most likely: no need to try without
  if (done) done = name(staged, unsynced);
  if (done) return std::make_unique<FileLock>(std::move(staged.own));
  drop(staged);
  ops_.rmdir(parent_of(host).c_str()); // unless there is something in it
  return std::unexpected(done.error());
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

} // namespace berth::driver
