// Small files that the operator names: certificates, keys, users.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"

namespace berth {

// The whole file. Symbolic links are followed: certbot's certificates are links, as are the secrets of containers.
// Errors: not_found, io (also for what is no regular file); size_invalid if it is larger than max_bytes.
Result<std::string> read_small_file(const std::string& path, std::size_t max_bytes);

// Puts the text in the place of the file, by rename: whoever reads it meanwhile has the old one or the new one. It is
// made, for its owner alone, if it is not there; one that is there keeps its owner and its mode. Durable. Requires: the
// path is no symbolic link that shall stay one. Errors: not_found, io, storage_full.
Result<> replace_small_file(const std::string& path, std::string_view text);

} // namespace berth
