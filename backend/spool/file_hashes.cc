#include "spool/file_hashes.h"

#include <fcntl.h>
#include <sys/uio.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <mutex>
#include <optional>
#include <utility>

#include "model/sha256_pair.h"

namespace berth::spool {
namespace {

using model::Sha256;

constexpr std::size_t piece_bytes = FileHashes::Buffers::piece_bytes;
// The disk is given so much at a time: to hand it each piece by itself costs more of the processor.
constexpr std::uint64_t writeback_bytes = 8 << 20;
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

  // Threads: safe, these three.
  void grew() { grew_ = true; }
  bool may_have_more() const { return asked_for_ || grew_; }
  // True while a caller of hash() wants the hash of the whole file, and hashes it until it is finished.
  bool is_asked_for() const { return asked_for_; }

  // Held while one piece is read and hashed. Guards what follows.
  std::mutex& busy() { return busy_; }
  const Sha256& hash() const { return hash_; }
  std::uint64_t hashed() const { return hashed_; }
  bool is_finished() const { return size_ == hashed_; }
  // False if more of it was hashed already.
  bool ask(std::uint64_t size) {
    if (hashed_ > size) return false;
    size_ = size;
    asked_for_ = true;
    return true;
  }

  enum class Wait { for_disk, for_nothing };
  // Reads what is to be hashed next; empty: that has not come yet.
  Result<std::span<const std::byte>> read(std::span<std::byte> buffer, Wait wait) {
    const iovec into{buffer.data(), next_size()};
    if (into.iov_len == 0) return buffer.first(0);
    for (;;) {
      const auto offset = static_cast<off_t>(hashed_);
      const ssize_t got = ::preadv2(fd_.get(), &into, 1, offset, wait == Wait::for_nothing ? RWF_NOWAIT : 0);
      if (got > 0) return buffer.first(static_cast<std::size_t>(got));
      if (got == 0) return fail(Code::io, "read: the file of an upload became shorter");
      if (errno != EINTR) return std::unexpected(errno_error("read", "the file of an upload", errno));
    }
  }

  void add(std::span<const std::byte> piece) {
    hash_.update(piece);
    hashed_ += piece.size();
  }
  static void add_to_both(File& file, std::span<const std::byte> piece, File& other,
                          std::span<const std::byte> piece_of_other) {
    Sha256::update_both(file.hash_, piece, other.hash_, piece_of_other);
    file.hashed_ += piece.size();
    other.hashed_ += piece_of_other.size();
  }

  // A hint: the disk may begin with what was hashed. Requires: one thread alone does this; busy is not held.
  void write_back(std::uint64_t hashed) {
    const std::uint64_t end = hashed - hashed % writeback_bytes;
    if (end <= handed_over_) return;
    ::sync_file_range(fd_.get(), static_cast<off_t>(handed_over_), static_cast<off_t>(end - handed_over_),
                      SYNC_FILE_RANGE_WRITE);
    handed_over_ = end;
  }

private:
  // Returns the size of the next piece: a whole one until hash() has said that the file has ended.
  std::size_t next_size() {
    if (size_) return std::min<std::uint64_t>(*size_ - hashed_, piece_bytes);
    if (!grew_.exchange(false)) return 0;
    struct stat info{};
    if (::fstat(fd_.get(), &info) != 0) return 0;
    if (static_cast<std::uint64_t>(info.st_size) < hashed_ + piece_bytes) return 0;
    grew_ = true;
    return piece_bytes;
  }

  const UniqueFd fd_;
  const dev_t device_;
  const ino_t inode_;
  std::atomic<bool> grew_ = true;
  std::atomic<bool> asked_for_ = false;
  std::mutex busy_;
  Sha256 hash_;
  std::uint64_t hashed_ = 0; // of the file
  std::optional<std::uint64_t> size_;
  std::uint64_t handed_over_ = 0; // to the disk
};

Result<Sha256> FileHashes::hash(const Content& content, const Sha256& start) {
  if (!content.is_file() || content.size() < min_bytes) return hash_alone(content, start);
  const auto file = asked_for(content, start);
  if (!file) return hash_alone(content, start);
  // Runs on every way out: a file whose hash is not asked for any more must not be held open.
  struct Leave {
    FileHashes& hashes;
    const File& file;
    const Content& content;
    ~Leave() { hashes.finish(file, content); }
  } const leave{*this, *file, content};
  Buffers buffers = borrow();
  for (;;) {
    const Files all = files(); // released after the lock: this may be the last reference to some
    const std::lock_guard lock(file->busy());
    if (file->is_finished()) {
      give_back(std::move(buffers));
      return file->hash();
    }
    BERTH_CHECK(hash_piece(*file, all, buffers));
  }
}

std::shared_ptr<FileHashes::File>* FileHashes::Known::find(const struct stat& info) {
  const auto found = std::ranges::find_if(files, [&](const auto& file) { return file->is(info); });
  return found == files.end() ? nullptr : &*found;
}

// The file that is known, or a new one, whose hash begins with `start`. Null: no descriptor is to be had.
std::shared_ptr<FileHashes::File> FileHashes::asked_for(const Content& content, const Sha256& start) {
  struct stat info{};
  UniqueFd fd(::fcntl(content.fd(), F_DUPFD_CLOEXEC, 0));
  if (!fd || ::fstat(fd.get(), &info) != 0) return nullptr;
  auto fresh = std::make_shared<File>(std::move(fd), info, start);
  auto file = known_.with([&](Known& known) {
    const auto found = known.find(info);
    if (found == nullptr) return known.files.emplace_back(fresh);
    // It was hashed as the first of its upload, which it may not be.
    if (start.length() > 0) *found = fresh;
    return *found;
  });
  const std::lock_guard lock(file->busy());
  return file->ask(content.size()) ? file : nullptr;
}

void FileHashes::finish(const File& file, const Content& content) {
  struct stat info{};
  const bool is_there = ::fstat(content.fd(), &info) == 0;
  forget(file);
  if (!is_there) return;
  known_.with([&](Known& known) { known.finished[known.finishes++ % known.finished.size()] = version_of(info); });
}

FileHashes::Version FileHashes::version_of(const struct stat& info) {
  return {info.st_dev, info.st_ino, info.st_mtim.tv_sec, info.st_mtim.tv_nsec};
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

std::shared_ptr<FileHashes::File> FileHashes::expect(UniqueFd fd) {
  struct stat info{};
  if (::fstat(fd.get(), &info) != 0) return nullptr;
  auto fresh = std::make_shared<File>(std::move(fd), info, Sha256());
  return known_.with([&](Known& known) -> std::shared_ptr<File> {
    if (const auto found = known.find(info)) return *found;
    if (std::ranges::find(known.finished, version_of(info)) != known.finished.end()) return nullptr;
    return known.files.emplace_back(fresh);
  });
}

void FileHashes::grew(File& file) { file.grew(); }

void FileHashes::forget(const File& file) {
  known_.with([&](Known& known) { std::erase_if(known.files, [&](const auto& each) { return each.get() == &file; }); });
}

std::uint64_t FileHashes::progress(const Content& content) {
  struct stat info{};
  if (::fstat(content.fd(), &info) != 0) return 0;
  const auto file = known_.with([&](Known& known) {
    const auto found = known.find(info);
    return found != nullptr ? *found : nullptr;
  });
  if (!file) return 0;
  const std::lock_guard lock(file->busy());
  return file->hashed();
}

FileHashes::Files FileHashes::files() {
  return known_.with([](const Known& known) { return known.files; });
}

FileHashes::Advance FileHashes::advance(Buffers& buffers) {
  auto advance = Advance::none;
  const Files all = files();
  for (const auto& file : all) {
    if (file->is_asked_for() || !file->may_have_more()) continue;
    std::unique_lock lock(file->busy(), std::try_to_lock); // who waited for it could wait for long
    if (!lock) {
      if (advance == Advance::none) advance = Advance::busy;
      continue;
    }
    if (file->is_asked_for()) continue; // meanwhile
    if (hash_piece(*file, all, buffers).value_or(0) > 0) advance = Advance::some;
    const std::uint64_t hashed = file->hashed();
    lock.unlock();
    file->write_back(hashed);
  }
  return advance;
}

// The next piece of a file, and one of another if one is ready; how much of the first it was. Requires: file is locked.
// The other one's lock is only tried, so that no two threads wait for each other.
Result<std::size_t> FileHashes::hash_piece(File& file, const Files& all, Buffers& buffers) {
  BERTH_TRY(const auto piece, file.read(buffers.own(), File::Wait::for_disk));
  if (piece.empty()) return 0;
  // Each file looks at those behind it first: not all take the same one along.
  const auto self = std::ranges::find(all, &file, &std::shared_ptr<File>::get);
  const std::size_t first = static_cast<std::size_t>(self - all.begin()) + 1;
  for (std::size_t i = 0; i < all.size() && model::can_hash_pairs(); ++i)
    if (File& other = *all[(first + i) % all.size()]; &other != &file && other.may_have_more())
      if (hash_both(file, piece, other, buffers.other())) return piece.size();
  file.add(piece);
  return piece.size();
}

// Returns false if the other file has no piece to hash now: a file never waits for another.
bool FileHashes::hash_both(File& file, std::span<const std::byte> piece, File& other, std::span<std::byte> buffer) {
  const std::unique_lock lock(other.busy(), std::try_to_lock);
  if (!lock) return false;
  const auto piece_of_other = other.read(buffer, File::Wait::for_nothing);
  if (!piece_of_other || piece_of_other->empty()) return false;
  File::add_to_both(file, piece, other, *piece_of_other);
  return true;
}

} // namespace berth::spool
