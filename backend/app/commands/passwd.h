// `berth passwd`: a line of a file for auth.htpasswd.
#pragma once

#include <string>

#include "base/result.h"

namespace berth::app {

// Sets the user's password in the file: the user's line is replaced, or added, and the others stay as they are. The
// file is made, for its owner alone, if it is not there; one that is there keeps its owner and its mode. Whoever reads
// it meanwhile has the old one or the new one. Durable. Errors: invalid for a name or a password that cannot be;
// not_permitted, io.
Result<> set_password(const std::string& file, const std::string& user, const std::string& password);

// The same as a command: asks twice on a terminal, and takes a line of standard input otherwise.
int passwd(const std::string& file, const std::string& user);

} // namespace berth::app
