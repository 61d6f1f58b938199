#include "model/digest.h"

#include <algorithm>
#include <array>

#include "base/encoding.h"
#include "model/digester.h"

namespace berth::model {
namespace {

struct AlgorithmInfo {
  Algorithm algorithm;
  std::string_view name;
  std::size_t hex_length;
};
constexpr std::array<AlgorithmInfo, 4> algorithms{{
    {Algorithm::sha256, "sha256", 64},
    {Algorithm::sha384, "sha384", 96},
    {Algorithm::sha512, "sha512", 128},
    {Algorithm::tarsum, "tarsum", 0},
}};
constexpr std::array<std::string_view, 3> tarsum_versions{"tarsum+", "tarsum.v1+", "tarsum.dev+"};

const AlgorithmInfo& info_of(Algorithm algorithm) { return algorithms[static_cast<std::size_t>(algorithm)]; }

bool is_lower_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }

} // namespace

std::string_view name_of(Algorithm algorithm) { return info_of(algorithm).name; }
std::size_t hex_length_of(Algorithm algorithm) { return info_of(algorithm).hex_length; }

Result<Algorithm> parse_algorithm(std::string_view name) {
  for (const Algorithm algorithm : computed_algorithms)
    if (name_of(algorithm) == name) return algorithm;
  return fail(Code::digest_invalid, {}, "unsupported digest algorithm");
}

Result<Digest> Digest::parse(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return fail(Code::digest_invalid, {}, "invalid checksum digest format");
  BERTH_TRY(const Algorithm algorithm, parse_algorithm(text.substr(0, colon)));
  const std::string_view hex = text.substr(colon + 1);
  if (hex.size() != hex_length_of(algorithm) || !std::ranges::all_of(hex, is_lower_hex))
    return fail(Code::digest_invalid, {}, "invalid checksum digest format");
  return Digest(algorithm, std::string(text));
}

Result<Digest> Digest::parse_stored(std::string_view text) {
  for (const std::string_view version : tarsum_versions)
    if (text.starts_with(version)) {
      BERTH_CHECK(parse(text.substr(version.size())));
      return Digest(Algorithm::tarsum, std::string(text));
    }
  return parse(text);
}

Digest Digest::of(Algorithm algorithm, std::string_view hash) {
  return Digest(algorithm, std::string(name_of(algorithm)) + ":" + to_hex(hash));
}

Result<CanonicalDigest> CanonicalDigest::parse(std::string_view text) {
  BERTH_TRY(const Digest digest, Digest::parse(text));
  return from(digest);
}

Result<CanonicalDigest> CanonicalDigest::from(const Digest& digest) {
  if (digest.algorithm() != canonical_algorithm) return fail(Code::digest_invalid, {}, "not a sha256 digest");
  return CanonicalDigest(digest);
}

CanonicalDigest CanonicalDigest::of_hash(std::string_view sha256_hash) {
  return CanonicalDigest(Digest::of(canonical_algorithm, sha256_hash));
}

CanonicalDigest CanonicalDigest::of_bytes(std::string_view bytes) {
  Sha256 sha256;
  sha256.update(as_bytes(bytes));
  return sha256.digest();
}

} // namespace berth::model
