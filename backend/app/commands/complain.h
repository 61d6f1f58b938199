// How a command says on stderr what is wrong.
#pragma once

#include "base/result.h"

namespace berth::app {

// The exit code: exit_usage for Code::invalid, else exit_failure.
int complain(const Error& error);

} // namespace berth::app
