#include "model/sha256_pair.h"

#if defined(__x86_64__)

#include <cpuid.h>
#include <immintrin.h>

namespace berth::model {
namespace {

constexpr unsigned rounds_per_step = 4, steps = 16, vectors_of_schedule = 4;
// The steps that make words for later ones; the last ones need no more.
constexpr unsigned steps_with_schedule = steps - vectors_of_schedule;

// The fractional parts of the cube roots of the first 64 primes.
alignas(16) constexpr std::uint32_t round_constants[rounds_per_step * steps] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, //
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, //
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, //
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, //
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, //
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, //
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3, //
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

bool look_for_instructions() {
  constexpr unsigned sha_bit = 1U << 29; // leaf 7, ebx
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (b & sha_bit) != 0 && __builtin_cpu_supports("sse4.1") != 0;
}

const __m128i* vectors(const void* at) { return static_cast<const __m128i*>(at); }
__m128i* vectors(std::uint32_t* at) { return reinterpret_cast<__m128i*>(at); }

} // namespace

bool can_hash_pairs() {
  static const bool can = look_for_instructions();
  return can;
}

// The instructions want H0..H7 as the vectors ABEF and CDGH, and do four rounds in two halves. `schedule` holds the 16
// words of the message schedule that are needed next, four in a vector; each step replaces the oldest four.
__attribute__((target("sha,sse4.1"))) void sha256_pair(const std::array<Sha256Blocks, 2>& pair, std::size_t count) {
  const __m128i to_big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
  __m128i abef[2], cdgh[2];
  for (unsigned s = 0; s < 2; ++s) {
    const __m128i badc = _mm_shuffle_epi32(_mm_loadu_si128(vectors(pair[s].h)), 0xB1);
    const __m128i hgfe = _mm_shuffle_epi32(_mm_loadu_si128(vectors(pair[s].h) + 1), 0x1B);
    abef[s] = _mm_alignr_epi8(badc, hgfe, 8);
    cdgh[s] = _mm_blend_epi16(hgfe, badc, 0xF0);
  }
  for (std::size_t block = 0; block < count; ++block) {
    __m128i schedule[2][vectors_of_schedule], abef_before[2], cdgh_before[2];
    for (unsigned s = 0; s < 2; ++s) {
      abef_before[s] = abef[s];
      cdgh_before[s] = cdgh[s];
      for (unsigned i = 0; i < vectors_of_schedule; ++i)
        schedule[s][i] =
            _mm_shuffle_epi8(_mm_loadu_si128(vectors(pair[s].data + block * sha256_block_bytes) + i), to_big_endian);
    }
#pragma GCC unroll 16
    for (unsigned step = 0; step < steps; ++step) {
      const __m128i constants = _mm_load_si128(vectors(round_constants + std::size_t{step} * rounds_per_step));
      const unsigned oldest = step % 4, second = (step + 1) % 4, third = (step + 2) % 4, newest = (step + 3) % 4;
      __m128i words[2];
#pragma GCC unroll 2
      for (unsigned s = 0; s < 2; ++s) {
        words[s] = _mm_add_epi32(schedule[s][oldest], constants);
        cdgh[s] = _mm_sha256rnds2_epu32(cdgh[s], abef[s], words[s]);
      }
      if (step < steps_with_schedule)
#pragma GCC unroll 2
        for (unsigned s = 0; s < 2; ++s) {
          const __m128i seven_back = _mm_alignr_epi8(schedule[s][newest], schedule[s][third], 4);
          const __m128i partly = _mm_sha256msg1_epu32(schedule[s][oldest], schedule[s][second]);
          schedule[s][oldest] = _mm_sha256msg2_epu32(_mm_add_epi32(partly, seven_back), schedule[s][newest]);
        }
#pragma GCC unroll 2
      for (unsigned s = 0; s < 2; ++s)
        abef[s] = _mm_sha256rnds2_epu32(abef[s], cdgh[s], _mm_shuffle_epi32(words[s], 0x0E));
    }
    for (unsigned s = 0; s < 2; ++s) {
      abef[s] = _mm_add_epi32(abef[s], abef_before[s]);
      cdgh[s] = _mm_add_epi32(cdgh[s], cdgh_before[s]);
    }
  }
  for (unsigned s = 0; s < 2; ++s) {
    const __m128i feba = _mm_shuffle_epi32(abef[s], 0x1B);
    const __m128i dchg = _mm_shuffle_epi32(cdgh[s], 0xB1);
    _mm_storeu_si128(vectors(pair[s].h), _mm_blend_epi16(feba, dchg, 0xF0));
    _mm_storeu_si128(vectors(pair[s].h) + 1, _mm_alignr_epi8(dchg, feba, 8));
  }
}

} // namespace berth::model

#else // elsewhere one after the other

namespace berth::model {

bool can_hash_pairs() { return false; }
void sha256_pair(const std::array<Sha256Blocks, 2>&, std::size_t) {}

} // namespace berth::model

#endif
