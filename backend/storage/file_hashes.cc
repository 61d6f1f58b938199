#include "storage/file_hashes.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <utility>

#include "model/sha256_pair.h"

namespace berth::storage {
namespace {

using model::Sha256;

constexpr std::size_t piece_bytes = FileHashes::Buffers::piece_bytes;
// The disk is given so much at a time: to hand it each piece by itself costs more of the processor.
constexpr std::uint64_t writeback_bytes = 8 << 20;
static_assert(writeback_bytes % piece_bytes == 0);
// Kept for the next request: memory that is new costs as much as a tenth of the hashing of a megabyte.
constexpr std::size_t max_idle_buffers = 4;

Result<Sha256> hash_alone(const Content& content, Sha256 hash) {
  BERTH_CHECK(content.read([&](std::span<const std::byte> piece) -> Result<> {
    hash.update(piece);
    return {};
  }));
  return hash;
}

} // namespace

class FileHashes::File {
public:
  File(UniqueFd fd, const struct stat& info, const Sha256& start)
      : fd_(std::move(fd)), device_(info.st_dev), inode_(info.st_ino), hash_(start) {}

  bool is(const struct stat& info) const { return device_ == info.st_dev && inode_ == info.st_ino; }

  // Whether somebody asks for the hash of the whole file, and hashes it until it is finished. Threads: safe.
  bool is_asked_for() const { return asked_for_; }
  // Held while one piece is hashed: whoever waits for it would have to do the same. Guards what follows.
  std::mutex& busy() { return busy_; }
  const Sha256& hash() const { return hash_; }
  std::uint64_t hashed() const { return hashed_; }
  void ask(std::uint64_t size) {
    size_ = size;
    asked_for_ = true;
  }
  bool is_finished() const { return size_ == hashed_; }

  // Reads what is to be hashed next; empty: that has not come yet.
  Result<std::span<const std::byte>> read(std::span<std::byte> buffer) const {
    const std::size_t size = next_size();
    if (size == 0) return buffer.first(0);
    for (;;) {
      const ssize_t got = ::pread(fd_.get(), buffer.data(), size, static_cast<off_t>(hashed_));
      if (got > 0) return buffer.first(static_cast<std::size_t>(got));
      if (got == 0) return fail(Code::io, "read: the file of an upload became shorter");
      if (errno != EINTR) return std::unexpected(errno_error("read", "the file of an upload", errno));
    }
  }

  void add(std::span<const std::byte> piece) {
    hash_.update(piece);
    count(piece.size());
  }
  static void add_to_both(File& file, std::span<const std::byte> piece, File& other,
                          std::span<const std::byte> piece_of_other) {
    Sha256::update_both(file.hash_, piece, other.hash_, piece_of_other);
    file.count(piece.size());
    other.count(piece_of_other.size());
  }

private:
  // Whole pieces until somebody says that it has ended.
  std::size_t next_size() const {
    if (size_) return std::min<std::uint64_t>(*size_ - hashed_, piece_bytes);
    struct stat info{};
    if (::fstat(fd_.get(), &info) != 0) return 0;
    return static_cast<std::uint64_t>(info.st_size) >= hashed_ + piece_bytes ? piece_bytes : 0;
  }

  void count(std::size_t bytes) {
    hashed_ += bytes;
    if (!size_ && hashed_ % writeback_bytes == 0) // a hint: the disk may begin
      ::sync_file_range(fd_.get(), static_cast<off_t>(hashed_ - writeback_bytes), writeback_bytes,
                        SYNC_FILE_RANGE_WRITE);
  }

  const UniqueFd fd_;
  const dev_t device_;
  const ino_t inode_;
  std::atomic<bool> asked_for_ = false;
  std::mutex busy_;
  Sha256 hash_;
  std::uint64_t hashed_ = 0; // of the file
  std::optional<std::uint64_t> size_;
};

Result<Sha256> FileHashes::hash(const Content& content, const Sha256& start) {
  if (!content.is_file() || content.size() < min_bytes) return hash_alone(content, start);
  std::shared_ptr<File> file = known(content.fd());
  if (file && start.length() > 0) { // it was hashed as the first of its upload, and is not
    forget(*file);
    file = nullptr;
  }
  if (!file) {
    UniqueFd fd(::fcntl(content.fd(), F_DUPFD_CLOEXEC, 0));
    if (!fd) return std::unexpected(errno_error("dup", "the file of an upload", errno));
    BERTH_TRY(file, add(std::move(fd), start));
  }
  Buffers buffers = borrow();
  Result<std::size_t> hashed = 0;
  for (bool finished = false; hashed && !finished;) {
    const std::lock_guard lock(file->busy());
    file->ask(content.size());
    finished = file->is_finished();
    if (!finished) hashed = hash_piece(*file, buffers);
  }
  give_back(std::move(buffers));
  forget(*file);
  if (!hashed) return std::unexpected(hashed.error());
  const std::lock_guard lock(file->busy());
  return file->hash();
}

FileHashes::Buffers FileHashes::borrow() {
  auto used = idle_.with([](std::vector<Buffers>& idle) -> std::optional<Buffers> {
    if (idle.empty()) return std::nullopt;
    Buffers last = std::move(idle.back());
    idle.pop_back();
    return last;
  });
  return used ? *std::move(used) : Buffers();
}

void FileHashes::give_back(Buffers buffers) {
  idle_.with([&](std::vector<Buffers>& idle) {
    if (idle.size() < max_idle_buffers) idle.push_back(std::move(buffers));
  });
}

Result<std::shared_ptr<FileHashes::File>> FileHashes::expect(UniqueFd fd) {
  if (auto file = known(fd.get())) return file;
  return add(std::move(fd), Sha256());
}

Result<std::shared_ptr<FileHashes::File>> FileHashes::add(UniqueFd fd, const Sha256& start) {
  struct stat info{};
  if (::fstat(fd.get(), &info) != 0) return std::unexpected(errno_error("fstat", "the file of an upload", errno));
  auto file = std::make_shared<File>(std::move(fd), info, start);
  files_.with([&](Files& files) { files.push_back(file); });
  return file;
}

void FileHashes::forget(const File& file) {
  files_.with([&](Files& files) { std::erase_if(files, [&](const auto& each) { return each.get() == &file; }); });
}

std::shared_ptr<FileHashes::File> FileHashes::known(int fd) {
  struct stat info{};
  if (::fstat(fd, &info) != 0) return nullptr;
  return files_.with([&](const Files& files) -> std::shared_ptr<File> {
    const auto found = std::ranges::find_if(files, [&](const auto& file) { return file->is(info); });
    return found == files.end() ? nullptr : *found;
  });
}

std::uint64_t FileHashes::progress(const Content& content) {
  const auto file = known(content.fd());
  if (!file) return 0;
  const std::lock_guard lock(file->busy());
  return file->hashed();
}

FileHashes::Files FileHashes::files() {
  return files_.with([](const Files& files) { return files; });
}

bool FileHashes::advance(Buffers& buffers) {
  bool advanced = false;
  for (const auto& file : files()) {
    if (file->is_asked_for()) continue;
    const std::lock_guard lock(file->busy());
    if (file->is_asked_for()) continue; // meanwhile
    advanced = hash_piece(*file, buffers).value_or(0) > 0 || advanced;
  }
  return advanced;
}

// The next piece of a file, and one of another if one is ready; how much of the first it was. Requires: file is locked.
// The other one's lock is only tried, so that no two threads wait for each other.
Result<std::size_t> FileHashes::hash_piece(File& file, Buffers& buffers) {
  BERTH_TRY(const auto piece, file.read(buffers.own()));
  if (piece.empty()) return 0;
  Files others = model::can_hash_pairs() ? files() : Files();
  // Whichever comes next, so that all have their turn.
  std::ranges::rotate(others, std::ranges::find(others, &file, &std::shared_ptr<File>::get));
  for (const auto& other : others)
    if (other.get() != &file && hash_both(file, piece, *other, buffers.other())) return piece.size();
  file.add(piece);
  return piece.size();
}

// False if nothing of the other one can be hashed now.
bool FileHashes::hash_both(File& file, std::span<const std::byte> piece, File& other, std::span<std::byte> buffer) {
  const std::unique_lock lock(other.busy(), std::try_to_lock);
  if (!lock) return false;
  const auto piece_of_other = other.read(buffer);
  if (!piece_of_other || piece_of_other->empty()) return false;
  File::add_to_both(file, piece, other, *piece_of_other);
  return true;
}

} // namespace berth::storage
