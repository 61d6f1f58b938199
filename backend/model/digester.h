// Digester: hashes bytes as they pass, and can put its state aside so that an upload is resumed without reading again
// what was hashed. The saved form is that of docker/distribution 2.7 and newer: Go's marshalled sha256 state, 108 bytes
// (docs/storage-layout.md, "Hash states"), so that either registry can go on with an upload that the other began.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "model/digest.h"

namespace berth::model {

// sha256 only: the canonical digest.
class Sha256 {
public:
  static constexpr std::size_t state_bytes = 108;

  Sha256();
  void update(std::span<const std::byte> bytes);
  // As a.update(bytes_of_a) and b.update(bytes_of_b), in little more than the time of one of them if the processor can.
  // Requires: two different ones.
  static void update_both(Sha256& a, std::span<const std::byte> bytes_of_a, Sha256& b,
                          std::span<const std::byte> bytes_of_b);
  // The bytes hashed so far.
  std::uint64_t length() const;
  // The digest of what was hashed so far; hashing may go on.
  CanonicalDigest digest() const;

  std::string save() const;
  // Errors: invalid for anything but a 108-byte sha256 state.
  static Result<Sha256> restore(std::string_view state);

private:
  void fill_block(std::span<const std::byte>& bytes);
  void count(std::uint64_t bytes);

  // H0..H7, the unprocessed tail and the length, laid out as OpenSSL's SHA256_CTX.
  struct State {
    std::uint32_t h[8];
    std::uint32_t length_low, length_high; // in bits
    std::uint32_t block[16];
    std::uint32_t buffered, digest_length;
  } state_;
};

// Any computed algorithm, without saved state: to verify a provisional digest.
class Digester {
public:
  // Requires: algorithm is not tarsum.
  explicit Digester(Algorithm algorithm);
  ~Digester();
  Digester(Digester&&) noexcept;
  void update(std::span<const std::byte> bytes);
  Digest finish(); // once

private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// The digest of bytes in memory. Requires: algorithm is not tarsum.
Digest digest_of(Algorithm algorithm, std::string_view bytes);

} // namespace berth::model
