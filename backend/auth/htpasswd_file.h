// HtpasswdFile: the users of a file that may change at any time.
#pragma once

#include <memory>
#include <string>

#include "auth/htpasswd.h"
#include "auth/reread.h"
#include "base/log.h"
#include "base/result.h"

namespace berth::auth {

using HtpasswdFile = Reread<Htpasswd>;

// The log has one line for a file that is not taken, and one for a change. Borrows: logger.
// Errors: not_found, io, size_invalid, invalid, with a message that names auth.htpasswd.path and says how to make the
// file.
Result<std::unique_ptr<HtpasswdFile>> open_htpasswd(const std::string& path, Logger& logger);

} // namespace berth::auth
