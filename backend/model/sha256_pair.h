// Sha256 of two things at once. In one hash each of the processor's SHA instructions waits for the one before it, so
// that a core which does two in turn does both in little more than the time of one (docs/decisions/0025).
// Spec: FIPS 180-4, 6.2; the SHA extensions of x86.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace berth::model {

inline constexpr std::size_t sha256_block_bytes = 64;

struct Sha256Blocks {
  std::uint32_t* h;      // H0..H7, updated
  const std::byte* data; // whole blocks
};

// Whether this processor has the instructions.
bool can_hash_pairs();

// Requires: can_hash_pairs(); two different hashes; `count` blocks of each.
void sha256_pair(const std::array<Sha256Blocks, 2>& pair, std::size_t count);

} // namespace berth::model
