#include "storage/hash_ahead.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <vector>

#include "base/signals_blocked.h"

namespace berth::storage {
namespace {

// A smaller body is hashed faster than anybody could be told of it.
constexpr off_t min_bytes = 1 << 20;
constexpr std::size_t piece_bytes = 256 * 1024;
// The disk is given so much at a time: to hand it each piece by itself costs more of the processor.
constexpr off_t writeback_bytes = off_t{8} << 20;
static_assert(writeback_bytes % piece_bytes == 0);
// Notices are looked at so often: a small upload has come and gone by then, and costs nothing.
constexpr int pause_milliseconds = 4;
// More files than this at once are hashed when they arrive.
constexpr std::size_t max_files = 64;
constexpr std::size_t notice_bytes = 64 * 1024;

bool same_file(int a, int b) {
  struct stat one{}, other{};
  return ::fstat(a, &one) == 0 && ::fstat(b, &other) == 0 && one.st_ino == other.st_ino && one.st_dev == other.st_dev;
}

} // namespace

Result<std::unique_ptr<HashAhead>> HashAhead::watch(std::string directory) {
  UniqueFd notices(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!notices || ::inotify_add_watch(notices.get(), directory.c_str(), IN_MODIFY | IN_DELETE | IN_ONLYDIR) < 0)
    return std::unexpected(errno_error("inotify", directory, errno));
  UniqueFd stop(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!stop) return std::unexpected(errno_error("eventfd", directory, errno));
  std::unique_ptr<HashAhead> ahead(new HashAhead(std::move(directory), std::move(notices), std::move(stop)));
  try {
    const SignalsBlocked blocked;
    ahead->thread_ = std::thread([&ahead = *ahead] { ahead.run(); });
  } catch (const std::system_error& thrown) {
    return fail(Code::io, std::string("cannot start a thread: ") + thrown.what());
  }
  return ahead;
}

HashAhead::HashAhead(std::string directory, UniqueFd notices, UniqueFd stop)
    : directory_(std::move(directory)),
      notices_(std::move(notices)),
      stop_(std::move(stop)),
      buffer_(std::make_unique_for_overwrite<std::byte[]>(piece_bytes)) {}

HashAhead::~HashAhead() {
  const std::uint64_t one = 1;
  // It can only fail when the event is set already.
  static_cast<void>(!::write(stop_.get(), &one, sizeof one));
  if (thread_.joinable()) thread_.join();
}

std::optional<model::Sha256> HashAhead::take(const Content& content) {
  if (!content.is_file()) return std::nullopt;
  const std::string name = content.path().substr(content.path().rfind('/') + 1);
  const auto file = files_.with([&](Files& files) -> std::shared_ptr<File> {
    const auto found = files.extract(name);
    return found.empty() ? nullptr : std::move(found.mapped());
  });
  if (!file || !same_file(file->fd.get(), content.fd())) return std::nullopt;
  const std::lock_guard lock(file->busy);
  file->taken = true;
  if (file->hash.length() == 0) return std::nullopt;
  return file->hash;
}

void HashAhead::run() {
  // Not woken for every write: it looks again after a pause, and after a longer silence waits for a notice.
  while (wait(-1)) {
    do read_notices();
    while (advance() || wait(pause_milliseconds));
    pollfd stopped{stop_.get(), POLLIN, 0};
    if (::poll(&stopped, 1, 0) > 0) return;
  }
}

// Waits for a notice, and lets more of them gather. False: none came in time, or the end did.
bool HashAhead::wait(int milliseconds) {
  std::array<pollfd, 2> waiting{pollfd{notices_.get(), POLLIN, 0}, pollfd{stop_.get(), POLLIN, 0}};
  if (::poll(waiting.data(), waiting.size(), milliseconds) <= 0 || waiting[1].revents != 0) return false;
  ::poll(&waiting[1], 1, pause_milliseconds);
  return true;
}

void HashAhead::read_notices() {
  alignas(inotify_event) std::array<char, notice_bytes> bytes;
  ssize_t got = 0;
  while ((got = ::read(notices_.get(), bytes.data(), bytes.size())) > 0) {
    for (ssize_t at = 0; at < got;) {
      const auto* notice = reinterpret_cast<const inotify_event*>(bytes.data() + at);
      at += static_cast<ssize_t>(sizeof *notice + notice->len);
      if ((notice->mask & IN_Q_OVERFLOW) != 0)
        files_.with([](Files& files) { files.clear(); }); // some deletion may be among what was lost
      else if (notice->len > 0)
        note(notice->name, notice->mask);
    }
  }
}

void HashAhead::note(const std::string& name, std::uint32_t mask) {
  if ((mask & IN_DELETE) != 0) {
    files_.with([&](Files& files) { files.erase(name); });
    return;
  }
  const bool wanted =
      files_.with([&](const Files& files) { return files.size() < max_files && !files.contains(name); });
  if (!wanted) return;
  struct stat info{};
  const std::string path = directory_ + "/" + name;
  if (::stat(path.c_str(), &info) != 0 || info.st_size < min_bytes) return;
  auto file = std::make_shared<File>();
  file->fd = UniqueFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (file->fd) files_.with([&](Files& files) { files.emplace(name, std::move(file)); });
}

// A piece of every file, so that none waits for another. False: there is nothing more to hash yet.
bool HashAhead::advance() {
  std::vector<std::shared_ptr<File>> in_work;
  files_.with([&](const Files& files) {
    for (const auto& [name, file] : files) in_work.push_back(file);
  });
  bool advanced = false;
  for (const auto& file : in_work) advanced = advance(*file) || advanced;
  return advanced;
}

// The lock is held while one piece of the page cache is hashed: whoever waits for it would have to do the same.
bool HashAhead::advance(File& file) {
  const std::lock_guard lock(file.busy);
  if (file.taken) return false;
  const auto offset = static_cast<off_t>(file.hash.length());
  const ssize_t got = ::pread(file.fd.get(), buffer_.get(), piece_bytes, offset);
  if (got < static_cast<ssize_t>(piece_bytes)) return false; // whole pieces: the file may not have ended
  file.hash.update({buffer_.get(), piece_bytes});
  const auto end = static_cast<off_t>(file.hash.length());
  if (end % writeback_bytes == 0) // a hint: the disk may begin
    ::sync_file_range(file.fd.get(), end - writeback_bytes, writeback_bytes, SYNC_FILE_RANGE_WRITE);
  return true;
}

} // namespace berth::storage
