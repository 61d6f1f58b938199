// Upload state tokens. Input: a token; or, after "sign:", a message that the registry itself is made to sign, which
// leads behind the signature.
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>

#include "api/upload_state.h"
#include "base/encoding.h"
#include "fuzz/oracle.h"

using namespace berth;
using namespace berth::fuzz;
using api::UploadState;
using api::UploadStateSigner;

namespace {

const std::string secret = "fuzz";
const UploadStateSigner ours(secret), theirs("another secret");

std::string sign(std::string_view message) {
  std::array<unsigned char, 32> mac{};
  HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
       reinterpret_cast<const unsigned char*>(message.data()), message.size(), mac.data(), nullptr);
  return to_base64url(std::string(as_text(std::as_bytes(std::span(mac)))) + std::string(message));
}

bool are_same(const UploadState& a, const UploadState& b) {
  return a.name == b.name && a.id == b.id && a.offset == b.offset && a.started_at == b.started_at &&
         a.of_store == b.of_store;
}

// Taken are exactly the bytes that the secret signed, and what they say survives another round.
void check_taken(std::string_view token, const UploadState& state) {
  const std::string bytes = from_base64url(token).value();
  require(from_base64url(sign(std::string_view(bytes).substr(32))).value() == bytes);
  require(!theirs.verify(token));
  const auto again = ours.verify(ours.sign(state));
  require(again && are_same(*again, state));
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    std::string forged = bytes;
    forged[i] = static_cast<char>(forged[i] ^ (1 << i % 8));
    require(!ours.verify(to_base64url(forged)));
  }
}

} // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  constexpr std::string_view by_us = "sign:";
  const std::string_view text = text_of(bytes, size);
  const std::string token = text.starts_with(by_us) ? sign(text.substr(by_us.size())) : std::string(text);
  const auto state = ours.verify(token);
  if (state)
    check_taken(token, *state);
  else
    require(is(state.error(), Code::blob_upload_invalid));
  return 0;
}
