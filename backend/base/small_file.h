// Small files that the operator names: certificates, keys, users.
#pragma once

#include <cstddef>
#include <string>

#include "base/result.h"

namespace berth {

// The whole file. Symbolic links are followed: certbot's certificates are links, as are the secrets of containers.
// Errors: not_found, io (also for what is no regular file); size_invalid if it is larger than max_bytes.
Result<std::string> read_small_file(const std::string& path, std::size_t max_bytes);

} // namespace berth
