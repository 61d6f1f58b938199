// LiveSet: the canonical digests that something live names: what a mark leaves, and what a sweep looks up.
// 32 bytes a digest, whatever named it how often. Threads: has() and size() are safe once it is sealed; nothing else.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "model/digest.h"

namespace berth::storage {

class LiveSet {
public:
  void add(const model::CanonicalDigest& digest);
  // Ends the adding. May be called again after more was added.
  void seal();
  // Requires: sealed.
  bool has(const model::CanonicalDigest& digest) const;
  std::size_t size() const { return sums_.size(); }

private:
  using Sum = std::array<std::uint8_t, 32>;
  void compact();

  std::vector<Sum> sums_; // the first `sorted_` of them in order, and each once
  std::size_t sorted_ = 0;
};

} // namespace berth::storage
