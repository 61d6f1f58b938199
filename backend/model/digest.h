// Digest: `algorithm:hex`, the name of a blob. Canonical and provisional digests are different types:
//  - Digest is what a client says (provisional): any algorithm berth knows;
//  - CanonicalDigest is how the store names bytes: sha256 only. A link under a Digest leads to a CanonicalDigest.
// tarsum digests (registry 2.0) name blobs of old stores: they are looked up, but nothing is pushed under them.
// Spec: OCI image-spec "Digests"; facts in docs/storage-layout.md.
#pragma once

#include <compare>
#include <string>
#include <string_view>

#include "base/result.h"

namespace berth::model {

enum class Algorithm { sha256, sha384, sha512, tarsum };

// Those that berth computes: all but tarsum.
inline constexpr Algorithm computed_algorithms[] = {Algorithm::sha256, Algorithm::sha384, Algorithm::sha512};

std::string_view name_of(Algorithm algorithm);  // "sha256"
std::size_t hex_length_of(Algorithm algorithm); // 64, 96, 128. Requires: a computed algorithm
// Errors: digest_invalid for an algorithm that berth does not compute.
Result<Algorithm> parse_algorithm(std::string_view name);

class Digest {
public:
  // `sha256:` and exactly 64 lower-case hexadecimal digits; likewise sha384 (96) and sha512 (128).
  // Errors: digest_invalid.
  static Result<Digest> parse(std::string_view text);
  // The same, or a tarsum: `tarsum[.v1|.dev]+(sha256|sha384|sha512):` and as many digits as the hash has.
  // Errors: digest_invalid.
  static Result<Digest> parse_stored(std::string_view text);
  // From raw hash bytes. Requires: hash.size() is that of the algorithm, which is a computed one.
  static Digest of(Algorithm algorithm, std::string_view hash);

  Algorithm algorithm() const { return algorithm_; }
  // The part before the colon: "sha256", "tarsum.v1+sha256".
  std::string_view label() const { return std::string_view(text_).substr(0, text_.find(':')); }
  std::string_view hex() const { return std::string_view(text_).substr(text_.find(':') + 1); }
  const std::string& str() const { return text_; }

  friend bool operator==(const Digest&, const Digest&) = default;
  friend auto operator<=>(const Digest&, const Digest&) = default;

protected:
  Digest(Algorithm algorithm, std::string text) : algorithm_(algorithm), text_(std::move(text)) {}

private:
  Algorithm algorithm_;
  std::string text_;
};

class CanonicalDigest : public Digest {
public:
  static constexpr Algorithm canonical_algorithm = Algorithm::sha256;

  // Errors: digest_invalid, also for another algorithm than sha256.
  static Result<CanonicalDigest> parse(std::string_view text);
  static Result<CanonicalDigest> from(const Digest& digest);
  // From the 32 bytes of a sha256 hash.
  static CanonicalDigest of_hash(std::string_view sha256_hash);
  // sha256 of bytes.
  static CanonicalDigest of_bytes(std::string_view bytes);

private:
  explicit CanonicalDigest(Digest digest) : Digest(std::move(digest)) {}
};

} // namespace berth::model
