// Hashes of what is sent, as S3 wants them. Threads: safe.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "client/http_client.h"

namespace berth::driver::s3 {

// Errors: io, also if the file is shorter.
Result<std::string> sha256_hex_of(const client::FilePart& part);
std::string md5_base64(std::string_view bytes);

} // namespace berth::driver::s3
