// StoreParts: the store that a config means, and what a registry over it is made of. The one place that knows which
// driver, locks and uploads those are: pools and commands stand on the same.
// Threads: safe.
#pragma once

#include <optional>

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "config/config.h"
#include "driver/file_locks.h"
#include "driver/filesystem.h"
#include "driver/measured.h"
#include "storage/registry.h"
#include "storage/uploads/file_uploads.h"

namespace berth::app {

class StoreParts {
public:
  // Opens nothing and writes nothing. tell hears how long each action took; empty: nobody does.
  // Borrows: clock and random.
  StoreParts(const config::Config& config, const Clock& clock, Random& random, const driver::TellTime& tell = {});
  StoreParts(const StoreParts&) = delete;

  driver::StorageDriver& driver() { return local(); }
  driver::Locks& locks() { return counted_locks_ ? static_cast<driver::Locks&>(*counted_locks_) : locks_; }
  storage::UploadStore& uploads() { return uploads_; }
  // The driver for what is no client's doing: tell does not hear of it.
  driver::StorageDriver& uncounted() { return files_; }

  // cache: null: none.
  storage::Registry::Parts registry_parts(storage::ManifestRules rules, registry::DescriptorCache* cache,
                                          Logger& logger, storage::ImmutableTags immutable = {}) {
    return {driver(), locks(), uploads(), cache, std::move(rules), random_, logger, std::move(immutable)};
  }

private:
  driver::LocalDriver& local() { return counted_ ? static_cast<driver::LocalDriver&>(*counted_) : files_; }

  Random& random_;
  driver::FsOps ops_;
  driver::Filesystem files_;
  driver::FileLocks locks_;
  std::optional<driver::Measured> counted_;
  std::optional<driver::MeasuredLocks> counted_locks_;
  storage::FileUploads uploads_;
};

} // namespace berth::app
