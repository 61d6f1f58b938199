// `berth garbage-collect`: one run of a collection, with docker/distribution's flags and lines of output.
// Spec: docs/operations.md; docs/decisions/0045 and 0046.
#pragma once

#include <optional>
#include <string>

#include "config/duration.h"

namespace berth::app {

struct CollectionOptions {
  bool dry_run = false;         // names what would go, and writes nothing
  bool delete_untagged = false; // manifests without a tag go as well, once they are as old as the grace
  bool quiet = false;           // no line for each thing
  bool now = false;             // frees at once; only while no pool runs on the store
  bool json = false;            // the result as one JSON document, and nothing else
  // As a pool runs it: by berth.collection, when a run is due, with the CPU and the disk that nobody else wants; what
  // it did goes to the log.
  bool background = false;
  std::optional<config::Duration> grace; // absent: berth.collection.grace
};

// The exit code: 0 also if manifests could not be read, or a repository is odd: each is told; 1 if something stopped
// the work, or could not be done.
int garbage_collect(const std::string& config_path, const CollectionOptions& options);

} // namespace berth::app
