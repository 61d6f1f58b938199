// The part of the filesystem driver that locks files, and the directories that come and go with their lock.
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <memory>
#include <thread>

#include "driver/filesystem.h"
#include "driver/host_files.h"

namespace berth::driver {
namespace {

constexpr std::chrono::seconds max_lock_wait{2};
constexpr std::chrono::milliseconds lock_poll{1};
constexpr std::size_t max_spares = 32; // each an open file; more than pushes begin and end at once

class FileLock final : public Lock {
public:
  explicit FileLock(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd release() { return std::move(fd_); }

private:
  UniqueFd fd_;
};

std::string_view name_of(std::string_view host) { return host.substr(host.rfind('/') + 1); }

} // namespace

Filesystem::~Filesystem() {
  spares_.with([&](std::vector<Spare>& spares) {
    for (const Spare& spare : spares) remove_tree(spare.host);
  });
}

Result<std::unique_ptr<Lock>> Filesystem::make_locked(const std::string& path, std::string_view bytes) {
  BERTH_TRY(const std::string host, host_path(path));
  Result<UniqueFd> fd = reuse(host, bytes);
  if (!fd) fd = make_anew(host, bytes);
  if (!fd) return std::unexpected(std::move(fd).error());
  return std::make_unique<FileLock>(*std::move(fd));
}

Result<UniqueFd> Filesystem::make_anew(const std::string& host, std::string_view bytes) {
  BERTH_TRY(Staged staged, write_temporary(Content::of(std::string(bytes))));
  staged.host = host;
  Changed unsynced;
  Result<> done = ::flock(staged.own.get(), LOCK_EX | LOCK_NB) == 0 ? Result<>() : failed("flock", staged.temporary);
  if (done) done = make_directories(parent_of(host), unsynced); // a new one, most likely: no need to try without
  if (done) done = name(staged, unsynced);
  if (done) return std::move(staged.own);
  drop(staged);
  ops_.rmdir(parent_of(host).c_str()); // unless there is something in it
  return std::unexpected(done.error());
}

// Gives a spare directory the name that is wanted, with the bytes already in its file. Errors: not_found if there is
// none that would do, or whatever went wrong with it: then it is no spare any more.
Result<UniqueFd> Filesystem::reuse(const std::string& host, std::string_view bytes) {
  auto spare = spares_.with([&](std::vector<Spare>& spares) -> std::optional<Spare> {
    if (spares.empty() || spares.back().file != name_of(host)) return std::nullopt;
    Spare last = std::move(spares.back());
    spares.pop_back();
    return last;
  });
  if (!spare) return fail(Code::not_found);
  const int fd = spare->fd.get();
  Result<> done = ::lseek(fd, 0, SEEK_SET) == 0 ? Result<>() : failed("lseek", spare->host);
  if (done) done = write(fd, spare->host, Content::of(std::string(bytes)));
  if (done && ops_.ftruncate(fd, static_cast<off_t>(bytes.size())) != 0) done = failed("ftruncate", spare->host);
  Changed unsynced;
  if (done) done = rename(spare->host, parent_of(host), unsynced);
  struct stat info{};
  if (done && (::fstat(fd, &info) != 0 || info.st_nlink == 0)) {
    // It was old, and somebody was about to clear it away. What is left of it is no upload.
    done = fail(Code::not_found);
    spare->host = parent_of(host);
  }
  if (done) return std::move(spare->fd);
  remove_tree(spare->host);
  return std::unexpected(done.error());
}

Result<> Filesystem::discard(const std::string& path, std::unique_ptr<Lock> lock) {
  BERTH_TRY(const std::string host, host_path(path));
  Spare spare{temporary_path(), std::string(name_of(host)), static_cast<FileLock&>(*lock).release()};
  Changed unsynced;
  BERTH_CHECK(rename(parent_of(host), spare.host, unsynced));
  keep_or_remove(std::move(spare));
  return {};
}

void Filesystem::keep_or_remove(Spare spare) {
  const auto names = list(spare.host.substr(root_.size()));
  bool keep = names.has_value();
  for (const std::string& name : names.value_or(std::vector<std::string>()))
    if (name != spare.file) keep = remove_tree(spare.host + "/" + name) && keep;
  // A file with a second name is somebody's backup, and must stay what it was.
  struct stat info{};
  keep = keep && ::fstat(spare.fd.get(), &info) == 0 && info.st_nlink == 1;
  if (keep)
    spares_.with([&](std::vector<Spare>& spares) {
      if (spares.size() < max_spares) spares.push_back(std::exchange(spare, {}));
    });
  if (!spare.host.empty()) remove_tree(spare.host);
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
