#include "api/upload_state.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <nlohmann/json.hpp>

#include "base/encoding.h"

namespace berth::api {
namespace {

constexpr std::size_t mac_bytes = 32;

std::unexpected<Error> refuse() { return fail(Code::blob_upload_invalid, {}, "the upload state token is not valid"); }

std::string to_message(const UploadState& state) {
  // The order and the names of docker/distribution's Go struct.
  nlohmann::ordered_json message{
      {"Name", state.name},
      {"UUID", state.id},
      {"Offset", state.offset},
      {"StartedAt", to_rfc3339_nano(state.started_at)},
  };
  if (!state.of_store.empty()) message["State"] = state.of_store; // docker/distribution passes over it
  return message.dump();
}

Result<UploadState> parse_message(std::string_view message) {
  const auto document = nlohmann::json::parse(message, nullptr, false);
  if (!document.is_object()) return refuse();
  const auto text = [&](const char* name) -> std::string {
    const auto member = document.find(name);
    return member != document.end() && member->is_string() ? member->get<std::string>() : std::string();
  };
  const auto offset = document.find("Offset");
  if (offset == document.end() || !offset->is_number_integer()) return refuse();
  const auto started_at = parse_rfc3339(text("StartedAt"));
  if (!started_at) return refuse();
  // A negative offset, which Go's type allows, becomes one that no upload has.
  return UploadState{text("Name"), text("UUID"), offset->get<std::uint64_t>(), *started_at, text("State")};
}

} // namespace

std::string UploadStateSigner::sign(const UploadState& state) const {
  const std::string message = to_message(state);
  return to_base64url(hmac(message) + message);
}

Result<UploadState> UploadStateSigner::verify(std::string_view token) const {
  const auto bytes = from_base64url(token);
  if (!bytes || bytes->size() <= mac_bytes) return refuse();
  const std::string_view message = std::string_view(*bytes).substr(mac_bytes);
  if (CRYPTO_memcmp(hmac(message).data(), bytes->data(), mac_bytes) != 0) return refuse();
  return parse_message(message);
}

std::string UploadStateSigner::hmac(std::string_view message) const {
  std::string mac(mac_bytes, '\0');
  unsigned length = 0;
  HMAC(EVP_sha256(), secret_.data(), static_cast<int>(secret_.size()),
       reinterpret_cast<const unsigned char*>(message.data()), message.size(),
       reinterpret_cast<unsigned char*>(mac.data()), &length);
  return mac;
}

} // namespace berth::api
