// KeyFiles: a KeySet from files that may change at any time.
// Threads: safe.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "auth/key_set.h"
#include "base/log.h"
#include "base/result.h"

namespace berth::auth {

class KeyFiles {
public:
  // An empty path: no such file. Errors: not_found, not_permitted, io, invalid; the message names the key of the
  // configuration and the path.
  static Result<std::unique_ptr<KeyFiles>> open(std::string bundle_path, std::string jwks_path, Logger& logger);

  // What the files say now: a stat of each, and both are read again if that differs. Files that are gone, unreadable or
  // broken change nothing: the keys that were read last stay in force, and the log has one line. Never null; another
  // object means other keys.
  std::shared_ptr<const KeySet> current();

private:
  struct Version { // of a file, as stat tells it
    ino_t inode = 0;
    std::int64_t size = -1, modified = 0, changed = 0; // times in ns

    bool operator==(const Version&) const = default;
  };
  using Versions = std::array<std::optional<Version>, 2>; // none: there is none

  KeyFiles(std::string bundle_path, std::string jwks_path, Logger& logger)
      : bundle_path_(std::move(bundle_path)), jwks_path_(std::move(jwks_path)), logger_(logger) {}
  Versions versions() const;
  Result<KeySet> read() const;

  const std::string bundle_path_, jwks_path_;
  Logger& logger_;
  std::mutex mutex_;
  std::shared_ptr<const KeySet> keys_;
  Versions versions_;
  std::string complaint_; // the last that was logged; empty: all is well
};

} // namespace berth::auth
