// The low-level SHA256_* functions are deprecated in OpenSSL 3, but only they show the state that is to be saved; they
// run the same assembly as EVP.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "model/digester.h"

#include <openssl/evp.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "base/encoding.h"
#include "model/sha256_pair.h"

namespace berth::model {
namespace {

constexpr std::string_view magic = "sha\x03";
constexpr std::size_t block_bytes = sha256_block_bytes;

template <class Integer>
void put_big_endian(std::string& out, Integer value) {
  for (int shift = static_cast<int>(sizeof(Integer)) * 8 - 8; shift >= 0; shift -= 8)
    out += static_cast<char>(value >> shift & 255);
}

template <class Integer>
Integer get_big_endian(std::string_view bytes) {
  Integer value = 0;
  for (std::size_t i = 0; i < sizeof(Integer); ++i)
    value = static_cast<Integer>(value << 8) | static_cast<unsigned char>(bytes[i]);
  return value;
}

} // namespace

Sha256::Sha256() {
  static_assert(sizeof(State) == sizeof(SHA256_CTX));
  SHA256_CTX context{};
  SHA256_Init(&context);
  state_ = std::bit_cast<State>(context);
}

void Sha256::update(std::span<const std::byte> bytes) {
  auto context = std::bit_cast<SHA256_CTX>(state_);
  SHA256_Update(&context, bytes.data(), bytes.size());
  state_ = std::bit_cast<State>(context);
}

void Sha256::update_both(Sha256& a, std::span<const std::byte> bytes_of_a, Sha256& b,
                         std::span<const std::byte> bytes_of_b) {
  if (can_hash_pairs()) {
    a.fill_block(bytes_of_a);
    b.fill_block(bytes_of_b);
    const std::size_t blocks = std::min(bytes_of_a.size(), bytes_of_b.size()) / block_bytes;
    const std::size_t done = blocks * block_bytes;
    sha256_pair({{{a.state_.h, bytes_of_a.data()}, {b.state_.h, bytes_of_b.data()}}}, blocks);
    a.count(done);
    b.count(done);
    bytes_of_a = bytes_of_a.subspan(done);
    bytes_of_b = bytes_of_b.subspan(done);
  }
  a.update(bytes_of_a);
  b.update(bytes_of_b);
}

// Takes from the front of bytes what the block that was begun still lacks.
void Sha256::fill_block(std::span<const std::byte>& bytes) {
  const std::size_t lacking = (block_bytes - state_.buffered) % block_bytes, size = std::min(lacking, bytes.size());
  update(bytes.first(size));
  bytes = bytes.subspan(size);
}

void Sha256::count(std::uint64_t bytes) {
  const std::uint64_t bits = (length() + bytes) * 8;
  state_.length_low = static_cast<std::uint32_t>(bits);
  state_.length_high = static_cast<std::uint32_t>(bits >> 32);
}

std::uint64_t Sha256::length() const {
  return (static_cast<std::uint64_t>(state_.length_high) << 32 | state_.length_low) / 8;
}

CanonicalDigest Sha256::digest() const {
  auto context = std::bit_cast<SHA256_CTX>(state_);
  std::array<unsigned char, SHA256_DIGEST_LENGTH> hash{};
  SHA256_Final(hash.data(), &context);
  return CanonicalDigest::of_hash(as_text(std::as_bytes(std::span(hash))));
}

std::string Sha256::save() const {
  std::string state(magic);
  for (const std::uint32_t word : state_.h) put_big_endian(state, word);
  // OpenSSL keeps the tail as bytes in `block`, and does not clear what lies behind it.
  std::array<char, block_bytes> tail{};
  std::memcpy(tail.data(), state_.block, state_.buffered);
  state.append(tail.data(), tail.size());
  put_big_endian(state, length());
  return state;
}

Result<Sha256> Sha256::restore(std::string_view saved) {
  if (saved.size() != state_bytes || !saved.starts_with(magic)) return fail(Code::invalid, "not a sha256 state");
  Sha256 sha256;
  State& state = sha256.state_;
  std::size_t at = magic.size();
  for (std::uint32_t& word : state.h) {
    word = get_big_endian<std::uint32_t>(saved.substr(at));
    at += sizeof word;
  }
  const auto length = get_big_endian<std::uint64_t>(saved.substr(at + block_bytes));
  state.buffered = static_cast<std::uint32_t>(length % block_bytes);
  std::memcpy(state.block, saved.data() + at, state.buffered);
  sha256.count(length);
  return sha256;
}

struct Digester::Impl {
  Algorithm algorithm;
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  ~Impl() { EVP_MD_CTX_free(context); }
};

Digester::Digester(Algorithm algorithm) : impl_(std::make_unique<Impl>(algorithm)) {
  const EVP_MD* md = algorithm == Algorithm::sha256   ? EVP_sha256()
                     : algorithm == Algorithm::sha384 ? EVP_sha384()
                                                      : EVP_sha512();
  EVP_DigestInit_ex(impl_->context, md, nullptr);
}
Digester::~Digester() = default;
Digester::Digester(Digester&&) noexcept = default;

void Digester::update(std::span<const std::byte> bytes) {
  EVP_DigestUpdate(impl_->context, bytes.data(), bytes.size());
}

Digest Digester::finish() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> hash{};
  unsigned size = 0;
  EVP_DigestFinal_ex(impl_->context, hash.data(), &size);
  return Digest::of(impl_->algorithm, as_text(std::as_bytes(std::span(hash)).first(size)));
}

Digest digest_of(Algorithm algorithm, std::string_view bytes) {
  Digester digester(algorithm);
  digester.update(as_bytes(bytes));
  return digester.finish();
}

} // namespace berth::model
