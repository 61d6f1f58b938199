#include "storage/verify/verify_blobs.h"

#include <fcntl.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "model/digester.h"
#include "storage/enumerate/contents.h"
#include "storage/paths.h"
#include "storage/put_files.h"
#include "storage/verify/verified_times.h"

namespace berth::storage {
namespace {

using model::CanonicalDigest;
using Steady = std::chrono::steady_clock;

constexpr std::size_t max_run_bytes = 64;
constexpr std::chrono::seconds save_interval{30}; // so much work is done again after a crash

// What the page cache has of a file is dropped: it is read from the disk again.
void forget_pages(const Content& content) {
  if (content.is_file()) ::posix_fadvise(content.fd(), 0, 0, POSIX_FADV_DONTNEED);
}

// The blobs of a shard that have their place. Errors: io.
Result<std::vector<CanonicalDigest>> blobs_of(driver::StorageDriver& driver, const std::string& shard) {
  std::vector<CanonicalDigest> blobs;
  BERTH_CHECK(each_blob_of(driver, shard, [&](const CanonicalDigest& digest) -> Result<> {
    blobs.push_back(digest);
    return {};
  }));
  return blobs;
}

} // namespace

// What has been read of all readers, and how long to wait for it. Threads: safe.
class VerifyBlobs::Pace {
public:
  explicit Pace(std::uint64_t rate) : rate_(rate) {}
  void read(std::uint64_t bytes) {
    const std::uint64_t all = bytes_.fetch_add(bytes, std::memory_order_relaxed) + bytes;
    if (rate_ == 0) return;
    const auto due = begun_ + std::chrono::duration_cast<Steady::duration>(
                                  std::chrono::duration<double>(static_cast<double>(all) / static_cast<double>(rate_)));
    std::this_thread::sleep_until(due);
  }

private:
  const std::uint64_t rate_; // bytes a second; 0: any
  const Steady::time_point begun_ = Steady::now();
  std::atomic<std::uint64_t> bytes_ = 0;
};

struct VerifyBlobs::Shared {
  const TellFinding& tell;
  const std::function<void(std::uint64_t)>& read;
  Pace pace;
  std::mutex mutex; // of sums, error and tell
  VerifiedBlobs sums;
  std::optional<Error> error;
  std::atomic<bool> ends = false;
  std::atomic<std::size_t> next = 0; // shard
};

bool VerifyBlobs::passes_over(const std::optional<Time>& verified) const {
  if (!verified) return false;
  if (options_.older.count() > 0 && *verified > clock_.now() - options_.older) return true;
  return goes_on_with_ && *verified >= *goes_on_with_;
}

// Times are kept to the minute, that of the begin too.
Result<> VerifyBlobs::begin() {
  if (options_.only != nullptr || std::exchange(begun_, true)) return {};
  const auto text = driver_.get_content(paths::verify_run(), max_run_bytes);
  const auto began = text && !options_.begin_anew ? parse_rfc3339(*text) : fail(Code::not_found, "");
  if (!began)
    return driver_.put_scratch(paths::verify_run(), to_rfc3339(std::chrono::floor<std::chrono::minutes>(clock_.now())));
  goes_on_with_ = *began;
  return {};
}

Result<std::uint64_t> VerifyBlobs::bytes_to_read() {
  BERTH_CHECK(begin());
  std::uint64_t bytes = 0;
  for (const std::string& shard : paths::shards()) {
    VerifiedTimes times = VerifiedTimes::load(driver_, shard);
    BERTH_TRY(const auto blobs, blobs_of(driver_, shard));
    for (const CanonicalDigest& digest : blobs)
      if (!passes_over(times.of(digest)) && is_asked_for(digest))
        if (const auto info = driver_.stat(paths::blob_data(digest))) bytes += info->size;
  }
  return bytes;
}

// Errors: io; busy if the run is to end.
Result<CanonicalDigest> VerifyBlobs::hash(const Content& content, Shared& shared) {
  model::Sha256 sum;
  BERTH_CHECK(content.read([&](std::span<const std::byte> piece) -> Result<> {
    if (shared.ends || options_.stop()) return fail(Code::busy, "stopped");
    sum.update(piece);
    shared.read(piece.size());
    shared.pace.read(piece.size());
    return {};
  }));
  return sum.digest();
}

// Moves the damaged file aside, if that is wanted, and says so.
Finding VerifyBlobs::damage(const CanonicalDigest& digest, const Content& content, const std::string& why) {
  const std::string path = paths::blob_data(digest);
  Finding finding{
      .kind = FindingKind::damaged, .why = why, .path = path, .digest = digest.str(), .size = content.size()};
  if (!options_.mend) return finding;
  const std::string aside = paths::damaged_blob(digest, clock_.now());
  // The new name is on disk before the old one goes. Who pushes the blob meanwhile finds it there, damaged, as before.
  const auto move = [&]() -> Result<> {
    BERTH_TRY(Content file, driver_.open(path));
    BERTH_CHECK(driver_.put(in_order(driver::PutFile{aside, std::move(file)})));
    return driver_.remove(path, driver::Durability::durable);
  };
  const auto moved = move();
  finding.action = moved ? "moved to " + aside : "not moved: " + moved.error().message;
  return finding;
}

void VerifyBlobs::check(const CanonicalDigest& digest, VerifiedTimes& times, Shared& shared) {
  const auto tell = [&](const Finding& finding, std::uint64_t VerifiedBlobs::* count) {
    const std::lock_guard lock(shared.mutex);
    ++(shared.sums.*count);
    shared.tell(finding);
  };
  const std::string path = paths::blob_data(digest);
  const auto unreadable = [&](const std::string& why) {
    tell({.kind = FindingKind::unreadable, .why = why, .path = path, .digest = digest.str()},
         &VerifiedBlobs::unreadable);
  };
  const auto content = driver_.open(path);
  if (!content && is(content.error(), Code::not_found)) return; // a directory without a blob, or collected meanwhile
  if (!content) return unreadable(content.error().message);
  const Time now = clock_.now();
  const auto first = hash(*content, shared);
  if (!first && is(first.error(), Code::busy)) return;
  if (!first) return unreadable(first.error().message);
  if (*first == digest) {
    times.set(digest, now);
    forget_pages(*content); // whoever pulls has more use of that memory
    const std::lock_guard lock(shared.mutex);
    ++shared.sums.sound;
    shared.sums.bytes += content->size();
    return;
  }
  forget_pages(*content);
  const auto second = hash(*content, shared);
  if (!second && is(second.error(), Code::busy)) return;
  if (!second) return unreadable(second.error().message);
  if (*second != *first) {
    shared.ends = true;
    return unreadable("read twice, its bytes were " + first->str() + " and " + second->str() +
                      ": memory or disk of this machine err");
  }
  tell(damage(digest, *content, content->empty() ? "is empty" : "its bytes are " + first->str()),
       &VerifiedBlobs::damaged);
}

Result<> VerifyBlobs::run_shard(const std::string& shard, Shared& shared) {
  VerifiedTimes times = VerifiedTimes::load(driver_, shard);
  BERTH_TRY(const auto blobs, blobs_of(driver_, shard));
  if (blobs.empty()) return {};
  std::vector<CanonicalDigest> wanted;
  for (const CanonicalDigest& digest : blobs)
    if (!passes_over(times.of(digest)) && is_asked_for(digest)) wanted.push_back(digest);
  {
    const std::lock_guard lock(shared.mutex);
    if (options_.only == nullptr) shared.sums.passed_over += blobs.size() - wanted.size();
  }
  auto saved = Steady::now();
  for (const CanonicalDigest& digest : wanted) {
    if (shared.ends || options_.stop()) break;
    check(digest, times, shared);
    if (Steady::now() - saved < save_interval) continue;
    BERTH_CHECK(times.save(driver_));
    saved = Steady::now();
  }
  return times.save(driver_);
}

Result<VerifiedBlobs> VerifyBlobs::run(const TellFinding& tell, const std::function<void(std::uint64_t)>& read) {
  BERTH_CHECK(begin());
  Shared shared{tell, read, Pace(options_.rate), {}, {}, {}, {}, {}};
  const std::vector<std::string> shards = paths::shards();
  const auto work = [&] {
    for (std::size_t i = shared.next++; i < shards.size() && !shared.ends; i = shared.next++) {
      const auto done = run_shard(shards[i], shared);
      if (done) continue;
      const std::lock_guard lock(shared.mutex);
      if (!shared.error) shared.error = done.error();
      shared.ends = true;
    }
  };
  {
    std::vector<std::jthread> others;
    for (unsigned i = 1; i < options_.readers; ++i) others.emplace_back(work);
    work();
  }
  if (shared.error) return std::unexpected(*std::move(shared.error));
  shared.sums.is_whole = !shared.ends && !options_.stop();
  if (shared.sums.is_whole && options_.only == nullptr)
    static_cast<void>(driver_.remove(paths::verify_run(), driver::Durability::scratch));
  return shared.sums;
}

} // namespace berth::storage
