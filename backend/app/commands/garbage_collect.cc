#include "app/commands/garbage_collect.h"

#include <cstdio>

#include "app/commands/commands.h"

namespace berth::app {

int garbage_collect() {
  std::fputs("berth: garbage-collect: berth has no garbage collection yet. docker/distribution's works on the same "
             "files: stop berth, run `registry garbage-collect CONFIG` of registry:2 over them, start berth again. "
             "Without --delete-untagged; and blobs that manifests name by sha512 alone are garbage to it "
             "(docs/operations.md)\n",
             stderr);
  return exit_usage;
}

} // namespace berth::app
