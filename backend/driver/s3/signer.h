// SigV4: how a request to S3 shows who makes it, as a header or in a URL that may be given away.
// Spec: AWS Signature Version 4 (docs/decisions/0050).
// Threads: safe.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"

namespace berth::driver::s3 {

using Pairs = std::vector<std::pair<std::string, std::string>>;

struct Credentials {
  std::string access_key;
  std::string secret_key;
  std::string session_token; // of temporary ones; else empty
};

struct Scope {
  std::string region;
  std::string service = "s3";
};

// A request that is to be signed.
struct Signable {
  std::string_view method;
  std::string_view host;         // as its Host header has it
  std::string_view path;         // encoded, beginning with a slash
  Pairs query = {};              // not encoded, in any order
  Pairs headers = {};            // that are signed too, names in lower case; host and x-amz-date are added
  std::string_view payload_hash; // hexadecimal sha256 of the body, or unsigned_payload
};

inline constexpr std::string_view unsigned_payload = "UNSIGNED-PAYLOAD";
inline constexpr std::string_view empty_hash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

// The headers to be sent with it: x-amz-date, Authorization and, with temporary credentials, x-amz-security-token.
Pairs sign(const Signable& request, const Credentials& who, const Scope& scope, Time now);

// The query of a URL that is good from `now`, for a time, for whoever has it; host alone is signed.
std::string presigned_query(const Signable& request, const Credentials& who, const Scope& scope, Time now,
                            std::chrono::seconds good_for);

// Percent-encoding as SigV4 wants it: all but letters, digits and -._~; a slash stays in a path.
enum class Slash { encoded, kept };
std::string uri_encode(std::string_view text, Slash slash);
// name=value&..., encoded and sorted.
std::string canonical_query(const Pairs& query);

std::string sha256_hex(std::string_view bytes);

} // namespace berth::driver::s3
