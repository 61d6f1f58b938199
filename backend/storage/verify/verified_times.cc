#include "storage/verify/verified_times.h"

#include "base/encoding.h"
#include "storage/paths.h"

namespace berth::storage {
namespace {

constexpr std::size_t sum_bytes = 32, minute_bytes = 4, entry_bytes = sum_bytes + minute_bytes;
constexpr std::size_t max_bytes = std::size_t{256} << 20; // of a shard: seven million blobs

std::string sum_of(const model::CanonicalDigest& digest) { return from_hex(digest.hex()).value(); }

std::uint32_t minute_of(Time time) {
  return static_cast<std::uint32_t>(std::chrono::floor<std::chrono::minutes>(time.time_since_epoch()).count());
}

} // namespace

VerifiedTimes VerifiedTimes::load(driver::StorageDriver& driver, const std::string& shard) {
  VerifiedTimes times(shard);
  const auto text = driver.get_content(paths::verified_shard(shard), max_bytes);
  if (!text || text->size() % entry_bytes != 0) return times;
  for (std::size_t at = 0; at < text->size(); at += entry_bytes) {
    Entry entry;
    for (std::size_t i = 0; i < minute_bytes; ++i)
      entry.minute = entry.minute << 8 | static_cast<unsigned char>((*text)[at + sum_bytes + i]);
    times.entries_.emplace(text->substr(at, sum_bytes), entry);
  }
  return times;
}

std::optional<Time> VerifiedTimes::of(const model::CanonicalDigest& digest) {
  const auto found = entries_.find(sum_of(digest));
  if (found == entries_.end()) return std::nullopt;
  found->second.is_there = true;
  return Time(std::chrono::minutes(found->second.minute));
}

void VerifiedTimes::set(const model::CanonicalDigest& digest, Time time) {
  entries_.insert_or_assign(sum_of(digest), Entry{minute_of(time), true});
}

Result<> VerifiedTimes::save(driver::StorageDriver& driver) const {
  std::string text;
  for (const auto& [sum, entry] : entries_) {
    if (!entry.is_there) continue;
    text += sum;
    for (std::size_t i = 0; i < minute_bytes; ++i)
      text += static_cast<char>(entry.minute >> (8 * (minute_bytes - 1 - i)) & 0xff);
  }
  return driver.put_scratch(paths::verified_shard(shard_), text);
}

} // namespace berth::storage
