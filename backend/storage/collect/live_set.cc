#include "storage/collect/live_set.h"

#include <algorithm>
#include <string>

#include "base/encoding.h"

namespace berth::storage {
namespace {

// The 32 bytes of a digest, which is 64 lower-case hexadecimal characters.
std::array<std::uint8_t, 32> sum_of(const model::CanonicalDigest& digest) {
  const std::string bytes = from_hex(digest.hex()).value();
  std::array<std::uint8_t, 32> sum{};
  std::ranges::copy(bytes, sum.begin());
  return sum;
}

} // namespace

void LiveSet::add(const model::CanonicalDigest& digest) {
  constexpr std::size_t slack = 1 << 14;
  if (sums_.size() >= 2 * sorted_ + slack) compact();
  sums_.push_back(sum_of(digest));
}

void LiveSet::seal() { compact(); }

bool LiveSet::has(const model::CanonicalDigest& digest) const {
  return std::ranges::binary_search(sums_, sum_of(digest));
}

void LiveSet::compact() {
  std::ranges::sort(sums_);
  sums_.erase(std::ranges::unique(sums_).begin(), sums_.end());
  sorted_ = sums_.size();
}

} // namespace berth::storage
