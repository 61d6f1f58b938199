// Upload state: the token `_state` in an upload's Location, by which whoever began an upload goes on with it, at any
// instance of the registry that knows the secret. docker/distribution reads and writes the same tokens.
// Form: base64url, padded, of HMAC-SHA256(secret, message) and message, which is the JSON of UploadState.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace berth::api {

struct UploadState {
  std::string name;         // of the repository
  std::string id;           // of the upload
  std::uint64_t offset = 0; // bytes acknowledged when the token was made
  Time started_at;
  std::string of_store = {}; // registry::UploadProgress::state; in the token as "State", unless it is empty
};

// Threads: safe.
class UploadStateSigner {
public:
  // Requires: the secret is not empty, or anybody could sign.
  explicit UploadStateSigner(std::string secret) : secret_(std::move(secret)) {}

  std::string sign(const UploadState& state) const;
  // Errors: blob_upload_invalid for a token that this secret did not sign.
  Result<UploadState> verify(std::string_view token) const;

private:
  std::string hmac(std::string_view message) const;

  std::string secret_;
};

} // namespace berth::api
