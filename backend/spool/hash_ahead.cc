#include "spool/hash_ahead.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include "base/signals_blocked.h"

namespace berth::spool {
namespace {

// Notices are looked at so often: a small upload has come and gone by then, and costs nothing.
constexpr int pause_milliseconds = 4;
// More files than this at once are hashed when they arrive.
constexpr std::size_t max_files = 64;
constexpr std::size_t notice_bytes = 64 * 1024;

} // namespace

Result<std::unique_ptr<HashAhead>> HashAhead::watch(std::string directory, FileHashes& hashes) {
  UniqueFd notices(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!notices || ::inotify_add_watch(notices.get(), directory.c_str(), IN_MODIFY | IN_DELETE | IN_ONLYDIR) < 0)
    return std::unexpected(errno_error("inotify", directory, errno));
  UniqueFd stop(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!stop) return std::unexpected(errno_error("eventfd", directory, errno));
  std::unique_ptr<HashAhead> ahead(new HashAhead(std::move(directory), hashes, std::move(notices), std::move(stop)));
  try {
    const SignalsBlocked blocked;
    ahead->thread_ = std::thread([&ahead = *ahead] { ahead.run(); });
  } catch (const std::system_error& thrown) {
    return fail(Code::io, std::string("cannot start a thread: ") + thrown.what());
  }
  return ahead;
}

HashAhead::HashAhead(std::string directory, FileHashes& hashes, UniqueFd notices, UniqueFd stop)
    : directory_(std::move(directory)), hashes_(hashes), notices_(std::move(notices)), stop_(std::move(stop)) {}

HashAhead::~HashAhead() {
  const std::uint64_t one = 1;
  // It can only fail when the event is set already.
  static_cast<void>(!::write(stop_.get(), &one, sizeof one));
  if (thread_.joinable()) thread_.join();
}

void HashAhead::run() {
  // Not woken for every write: it looks again after a pause, and after a longer silence waits for a notice.
  using Advance = FileHashes::Advance;
  while (wait(-1)) {
    auto advance = Advance::none;
    do {
      read_notices();
      advance = hashes_.advance(buffers_);
    } while (advance == Advance::some || wait(pause_milliseconds) || (advance == Advance::busy && !is_stopped()));
    if (is_stopped()) return;
  }
}

bool HashAhead::is_stopped() const {
  pollfd stopped{stop_.get(), POLLIN, 0};
  return ::poll(&stopped, 1, 0) > 0;
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
        while (!files_.empty()) forget(files_.begin()); // some deletion may be among what was lost
      else if (notice->len > 0)
        note(notice->name, notice->mask);
    }
  }
}

void HashAhead::note(const std::string& name, std::uint32_t mask) {
  const auto known = files_.find(name);
  if ((mask & IN_DELETE) != 0) {
    if (known != files_.end()) forget(known);
    return;
  }
  if (known != files_.end()) return FileHashes::grew(*known->second);
  if (files_.size() >= max_files) return;
  struct stat info{};
  const std::string path = directory_ + "/" + name;
  if (::stat(path.c_str(), &info) != 0 || static_cast<std::uint64_t>(info.st_size) < FileHashes::min_bytes) return;
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd) return;
  if (auto file = hashes_.expect(std::move(fd))) files_.emplace(name, std::move(file));
}

void HashAhead::forget(Files::const_iterator file) {
  hashes_.forget(*file->second);
  files_.erase(file);
}

} // namespace berth::spool
