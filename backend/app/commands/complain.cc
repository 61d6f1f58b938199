#include "app/commands/complain.h"

#include <cstdio>

#include "app/commands/commands.h"

namespace berth::app {

int complain(const Error& error) {
  std::fprintf(stderr, "berth: %s\n", error.message.c_str());
  return is(error, Code::invalid) ? exit_usage : exit_failure;
}

} // namespace berth::app
