// `berth verify`: whether what the store holds is sound, beside a registry that runs or not.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "app/commands/progress.h"
#include "app/commands/tool_commands.h"

namespace berth::app {

struct VerifyRequest {
  bool mend = false;                // --repair
  bool links = false;               // links without a blob are told as well
  bool begin_anew = false;          // a run that was cut short is not gone on with
  std::string repositories;         // a pattern: these alone, and the blobs that they name; empty: the whole store
  std::uint64_t rate = 0;           // bytes a second; 0: as fast as may be, at the lowest priority
  std::chrono::nanoseconds older{}; // blobs that were read within it are passed over
  bool json = false;                // a line a finding, then one with the sums
  Loudness loudness = Loudness::normal;
  // As a pool runs it: by berth.verify, when a run is due, with the CPU and the disk that nobody else wants; what it
  // found goes to the log.
  bool background = false;
};

// The exit code: 0 all is sound; 1 there are findings, mended ones too; 2 bad usage or configuration; 3 it was stopped,
// or could not read everything.
int verify(const std::string& config_path, const VerifyRequest& request);

} // namespace berth::app
