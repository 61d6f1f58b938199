// The low-level SHA256_* functions are deprecated in OpenSSL 3, but only they show the state that is to be saved; they
// run the same assembly as EVP.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "model/digester.h"

#include <openssl/evp.h>
#include <openssl/sha.h>

#include <array>
#include <bit>
#include <cstring>

#include "base/encoding.h"

namespace berth::model {
namespace {

constexpr std::string_view magic = "sha\x03";
constexpr std::size_t block_bytes = 64;

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
  state.length_low = static_cast<std::uint32_t>(length * 8);
  state.length_high = static_cast<std::uint32_t>(length * 8 >> 32);
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
