#include "auth/htpasswd_file.h"

#include <fcntl.h>

#include <cerrno>
#include <utility>

#include "base/content.h"
#include "base/encoding.h"
#include "base/unique_fd.h"

namespace berth::auth {
namespace {

constexpr std::size_t max_bytes = 16 * 1024 * 1024;

std::int64_t nanoseconds(const timespec& time) { return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec; }

} // namespace

Result<std::unique_ptr<HtpasswdFile>> HtpasswdFile::open(std::string path, Logger& logger) {
  std::unique_ptr<HtpasswdFile> file(new HtpasswdFile(std::move(path), logger));
  Read read = file->read();
  if (!read.entries)
    return fail(read.entries.error().code, "auth.htpasswd.path: \"" + file->path_ +
                                               "\": " + read.entries.error().message + "; `berth passwd " +
                                               file->path_ + " USER` makes such a file");
  file->take(std::move(read));
  return file;
}

std::shared_ptr<const Htpasswd> HtpasswdFile::current() {
  struct stat info{};
  if (::stat(path_.c_str(), &info) == 0) {
    std::lock_guard lock(mutex_);
    if (version_ == version_of(info)) return entries_;
  }
  return take(read());
}

HtpasswdFile::Version HtpasswdFile::version_of(const struct stat& info) {
  return {info.st_ino, info.st_size, nanoseconds(info.st_mtim), nanoseconds(info.st_ctim)};
}

HtpasswdFile::Read HtpasswdFile::read() const {
  const UniqueFd file(::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)); // a FIFO would wait for its writer
  struct stat info{};
  if (!file || ::fstat(file.get(), &info) != 0) return {{}, std::unexpected(errno_error("open", path_, errno))};
  if (!S_ISREG(info.st_mode)) return {{}, fail(Code::io, "not a regular file")};
  std::string text;
  const auto outcome = read_file(file.get(), 0, [&](std::span<const std::byte> piece) -> Result<> {
    text += as_text(piece);
    if (text.size() > max_bytes) return fail(Code::invalid, "larger than 16 MiB");
    return {};
  });
  if (!outcome) return {{}, std::unexpected(outcome.error())};
  return {version_of(info), Htpasswd::parse(text)};
}

std::shared_ptr<const Htpasswd> HtpasswdFile::take(Read read) {
  std::unique_lock lock(mutex_);
  const bool is_news = entries_ != nullptr && version_ != read.version; // threads may find the same change
  version_ = read.version;
  if (read.entries) entries_ = std::make_shared<const Htpasswd>(*std::move(read.entries));
  const std::string complaint = read.entries ? "" : read.entries.error().message;
  const std::string previous = std::exchange(complaint_, complaint);
  const auto entries = entries_;
  lock.unlock();

  if (!complaint.empty() && complaint != previous)
    logger_.error("the htpasswd file is not taken; the users that it had stay in force",
                  {{"path", path_}, {"error", complaint}});
  if (complaint.empty() && is_news)
    logger_.info("the htpasswd file has changed", {{"path", path_}, {"users", std::to_string(entries->size())}});
  return entries;
}

} // namespace berth::auth
