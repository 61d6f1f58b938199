// StoreParts: the store that a config means, and what a registry over it is made of. The one place that knows which
// driver, locks and uploads those are: pools and commands stand on the same.
// Threads: safe.
#pragma once

#include <memory>
#include <optional>

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "config/config.h"
#include "driver/file_locks.h"
#include "driver/filesystem.h"
#include "driver/measured.h"
#include "storage/registry.h"
#include "storage/uploads/uploads.h"

namespace berth::app {

class StoreParts {
public:
  // Opens nothing and writes nothing: of a bucket, what is wrong with it or with the credentials shows when it is first
  // asked. tell hears how long each action took; empty: nobody does. logger hears what a bucket's server refuses for a
  // while; null: nobody does. Borrows: clock, random, logger.
  StoreParts(const config::Config& config, const Clock& clock, Random& random, const driver::TellTime& tell = {},
             Logger* logger = nullptr);
  StoreParts(const StoreParts&) = delete;
  ~StoreParts();

  driver::StorageDriver& driver() { return *driver_; }
  driver::Locks& locks() { return counted_locks_ ? static_cast<driver::Locks&>(*counted_locks_) : locks_; }
  storage::UploadStore& uploads() { return *uploads_; }
  // The driver for what is no client's doing: tell does not hear of it.
  driver::StorageDriver& uncounted() { return *uncounted_; }

  // Whether a bucket can be worked with: it is there, takes the credentials, and can be written and listed unless the
  // registry is read-only. Nothing for a file system. Errors: invalid, the message says what is wrong; unavailable, if
  // its server does not answer.
  Result<> probe();

  // cache: null: none.
  storage::Registry::Parts registry_parts(storage::ManifestRules rules, registry::DescriptorCache* cache,
                                          Logger& logger, storage::ImmutableTags immutable = {}) {
    return {driver(), locks(), uploads(), cache, std::move(rules), random_, logger, std::move(immutable)};
  }

private:
  class InFiles;
  class InBucket;

  Random& random_;
  driver::FsOps ops_;
  driver::FileLocks locks_; // of this host, for a bucket too
  std::optional<driver::MeasuredLocks> counted_locks_;
  bool is_read_only_;
  // One of them.
  std::unique_ptr<InFiles> files_;
  std::unique_ptr<InBucket> bucket_;
  // What they are made of.
  driver::StorageDriver* uncounted_ = nullptr;
  driver::StorageDriver* driver_ = nullptr;
  storage::UploadStore* uploads_ = nullptr;
};

} // namespace berth::app
